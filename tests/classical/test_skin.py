"""Neighbour lists with a skin: exact whatever moves, cheap when little moves, and honest about both."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from classical.lists import neighbour_lists as _skin_lists
from classical.lists.neighbour_lists import NeighbourLists
from classical.scan import ScanFinder
from classical.skin import SkinFinder
from classical.training import gradient_descent
from hybrid_train.data import sphere
from hybrid_train.errors import DataError, InvariantError
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import DenseBank
from hybrid_train.finder.scan import active_pairs
from hybrid_train.network import TwoLayerNetwork
from hybrid_train.testing import check_finder
from hybrid_train.training.losses import make_loss
from tests.support.banks import FINITE, vectors


class Model:
    """A finder and the truth beside it; every motion is told in one of the ways a trainer has."""

    def __init__(
        self, seed: int, kind: str, shape: Any, dtype: Any, live: bool, threshold: float | None = None, **options: Any
    ) -> None:
        self.rng = np.random.default_rng(seed)
        n_points, n_queries, dimension = shape
        self.banks = [
            DenseBank(vectors(self.rng, which, (size, dimension), dtype))
            for which, size in ((kind, n_points), (kind if seed % 2 else "gaussian", n_queries))
        ]
        self.kind, self.live = kind, live
        values = active_pairs(*self.banks, -np.inf).inner_products
        values = values[np.isfinite(values)]  # no threshold is infinite
        tie = float(self.rng.choice(values)) if values.size else 0.0
        drawn = float(self.rng.choice([0.0, 0.5, -1.0, 2.0, tie, tie]))
        self.threshold = drawn if threshold is None else threshold
        self.finder = SkinFinder(**options)
        given_banks = self.banks if live else [bank[:].copy() for bank in self.banks]
        self.finder.build(*given_banks, self.threshold)

    def step(self, side: int, how: str, size: float) -> None:
        bank, other = self.banks[side], self.banks[1 - side]
        count = int(self.rng.integers(0, len(bank) + 1))
        rows = self.rng.permutation(len(bank))[:count]
        if how == "along":
            moves = sparse.random_array((count, len(other)), density=0.5, rng=self.rng, format="csr")
            moves.data = size * (moves.data - 0.5)
            with np.errstate(over="ignore", invalid="ignore"):
                moved = bank[rows] + moves @ other[:]
            if not np.isfinite(moved).all():
                return
            motion = bank.move_along(rows, moves, other[:])
            (self.finder.move_points_along, self.finder.move_queries_along)[side](motion)
            return
        fresh = vectors(self.rng, self.kind, (count, bank.shape[1])) if how == "replaced" else bank[rows].copy()
        if how == "nudged":
            fresh = fresh * (1 + size * self.rng.standard_normal(fresh.shape))
        bank.assign(rows, fresh.astype(bank.dtype))
        (self.finder.move_points, self.finder.move_queries)[side](rows, bank[rows].copy())

    def check(self, rows: np.ndarray | None = None) -> None:
        """Raise AssertionError unless the finder's sets are the predicate's and its inner products are close."""
        sets = self.finder.find(rows)
        truth = active_pairs(*self.banks, self.threshold, rows)
        assert sets.same_sets(truth)
        if rows is not None:
            assert sets.major == "query"
            assert np.array_equal(sets.rows, rows)
        assert all((np.diff(indices) > 0).all() for _, indices, _ in sets)
        theirs = truth.inner_products[np.lexsort((truth.point_ids, truth.query_ids))]
        ours = sets.inner_products[np.lexsort((sets.point_ids, sets.query_ids))]
        order = np.lexsort((truth.point_ids, truth.query_ids))
        with np.errstate(over="ignore"):
            scale = np.linalg.norm(self.banks[0][:].astype(float), axis=1)[truth.point_ids[order]]
            scale = scale * np.linalg.norm(self.banks[1][:].astype(float), axis=1)[truth.query_ids[order]]
        accuracy = 1e-9 if self.banks[0].dtype == np.float64 else 64 * np.finfo(np.float32).eps
        finite = np.isfinite(theirs)
        assert np.array_equal(ours[~finite], theirs[~finite])
        difference = np.abs(ours[finite] - theirs[finite])
        assert (difference <= accuracy * np.maximum(scale[finite], np.abs(theirs[finite]))).all()

    def subset(self) -> np.ndarray:
        count = len(self.banks[1])
        return self.rng.permutation(count)[: self.rng.integers(0, count + 1)]


STEPS = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.sampled_from(["along", "along", "along", "nudged", "replaced", "told"]),
        st.sampled_from([1e-12, 1e-3, 0.05, 1.0, 1e3]),
        st.sampled_from(["all", "some", "none"]),
    ),
    max_size=8,
)


def play(model: Model, steps: list[tuple[int, str, float, str]]) -> None:
    model.check()
    for side, how, size, ask in steps:
        model.step(side, how, size)
        if ask != "none":
            model.check(model.subset() if ask == "some" else None)
    model.check()


@settings(max_examples=400)
@given(
    st.integers(0, 2**32),
    st.sampled_from(FINITE),
    st.tuples(st.integers(1, 40), st.integers(1, 12), st.integers(1, 18)),
    st.booleans(),
    st.sampled_from([None, 1e-9, 0.1, 30.0]),
    STEPS,
)
def test_sets_are_the_predicates_on_every_step(
    seed: int, kind: Any, shape: Any, live: Any, skin: Any, steps: Any
) -> None:
    play(Model(seed, kind, shape, np.float64, live, skin=skin), steps)


@settings(max_examples=150)
@given(
    st.integers(0, 2**32),
    st.sampled_from(("gaussian", "grid", "duplicates", "zeros")),
    st.tuples(st.integers(1, 12), st.integers(1, 40), st.integers(1, 18)),
    st.booleans(),
    STEPS,
)
def test_sets_are_the_predicates_in_single_precision(seed: int, kind: Any, shape: Any, live: Any, steps: Any) -> None:
    play(Model(seed, kind, shape, np.float32, live), steps)


def drift(finder_side: int, columns_side: str, *, dtype: Any = np.float64, steps: int = 60) -> Model:
    """Small motions of every vector, checked at every step: what training looks like, and what lists live on."""
    shape = (300, 12, 6) if finder_side == 0 else (12, 300, 6)
    model = Model(5, "gaussian", shape, dtype, live=True, threshold=5.0)
    for _ in range(steps):
        model.step(finder_side, "along", 0.02)
        if columns_side == "moving":
            model.step(1 - finder_side, "nudged", 0.002)
        model.check()
    return model


@pytest.mark.parametrize("columns_side", ["static", "moving"])
@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_small_motions_are_followed_without_looking_at_every_pair(side: int, columns_side: str, dtype: Any) -> None:
    model = drift(side, columns_side, dtype=dtype)
    share = {"static": 0.15, "moving": 0.3}[columns_side]
    assert 300 * 12 < model.finder.cost.inner_products < share * 60 * 300 * 12
    assert model.finder.rescans > 0
    assert 0 <= model.finder.deviation < (1e-12 if dtype == np.float64 else 1e-4)


def test_lists_go_back_to_the_larger_bank_when_both_move() -> None:
    model = Model(5, "gaussian", (300, 12, 6), np.float64, live=True, threshold=5.0)
    for _ in range(4):
        model.step(1, "nudged", 1.0)
        model.check()
    assert model.finder.find().major == "query"
    for _ in range(6):
        model.step(0, "along", 1.0)
        model.check()
    assert model.finder.find().major == "point"


@pytest.mark.parametrize("broken", ["gap", "sway", "doubt"])
def test_a_broken_certificate_is_noticed(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if broken == "gap":
        scan = NeighbourLists._scan

        def generous(self: Any, rows: Any) -> Any:
            counts, index, gap, reach = scan(self, rows)
            return counts, index, 2 * gap + 0.5, reach

        monkeypatch.setattr(NeighbourLists, "_scan", generous)
        with pytest.raises(AssertionError):
            drift(0, "static")
    elif broken == "sway":
        rule = vars(NeighbourLists)["rule"].fget
        monkeypatch.setattr(NeighbourLists, "rule", property(lambda self: rule(self)._replace(sway=0.0)))
        with pytest.raises(AssertionError):
            play(Model(5, "gaussian", (300, 12, 6), np.float64, live=True), [(1, "nudged", 0.3, "all")] * 20)
    else:
        follow_ties()
        monkeypatch.setattr(NeighbourLists, "settle", lambda self, compare: 0)
        with pytest.raises(AssertionError):
            follow_ties()


def follow_ties() -> int:
    """Move points onto the threshold itself, again and again; return the inner products evaluated for it."""
    rng = np.random.default_rng(0)
    queries = DenseBank(rng.standard_normal((5, 7)))
    target = rng.standard_normal((60, 7))
    points = DenseBank(target)
    threshold = float(active_pairs(points, queries, -np.inf).inner_products[17])
    finder = SkinFinder(skin=0.5)
    finder.build(points, queries, threshold)
    before = finder.cost.inner_products
    for step in range(200):
        back = sparse.csr_array(np.full((60, 5), (-1.0) ** step / 3))
        finder.move_points_along(points.move_along(np.arange(60), back, queries[:]))
        assert finder.find().same_sets(active_pairs(points, queries, threshold))
    return finder.cost.inner_products - before


def test_a_value_within_its_error_of_the_threshold_is_evaluated() -> None:
    assert follow_ties() > 0


def test_the_gram_matrix_and_the_vectors_follow_the_same_motion(monkeypatch: pytest.MonkeyPatch) -> None:
    by_gram = drift(0, "static", steps=20)
    monkeypatch.setattr(_skin_lists, "MOST_COLUMNS", 3)
    by_vectors = drift(0, "static", steps=20)
    assert by_vectors.finder.find().same_sets(by_gram.finder.find())
    assert by_gram.finder.deviation > 0
    assert by_vectors.finder.deviation == 0
    assert by_gram.finder.cost.inner_products < by_vectors.finder.cost.inner_products


def test_a_motion_told_in_another_precision_is_not_followed() -> None:
    rng = np.random.default_rng(6)
    single = DenseBank(rng.standard_normal((200, 5)).astype(np.float32))
    queries = rng.standard_normal((6, 5))
    finder = SkinFinder(skin=0.3)
    finder.build(np.asarray(single[:], np.float64), queries, 2.0)
    for _ in range(5):
        steps = sparse.csr_array(rng.standard_normal((200, 6)) * 1e-3)
        finder.move_points_along(single.move_along(np.arange(200), steps, queries))
        assert finder.find().same_sets(active_pairs(single, DenseBank(queries), 2.0))
    assert finder.deviation == 0


def test_following_reads_no_vector(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    points, queries = DenseBank(rng.standard_normal((2000, 8))), DenseBank(rng.standard_normal((6, 8)))
    finder = SkinFinder(skin=0.5)
    finder.build(points, queries, 3.0)
    finder.find()
    motion = points.move_along(np.arange(2000), sparse.csr_array(np.full((2000, 6), 1e-4)), queries[:])

    def forbidden(bank: DenseBank, rows: Any) -> None:
        raise AssertionError(f"{rows} were read")

    monkeypatch.setattr(DenseBank, "__getitem__", forbidden)
    finder.move_points_along(motion)
    monkeypatch.undo()
    spent = finder.cost.inner_products
    assert finder.find().same_sets(active_pairs(points, queries, 3.0))
    assert finder.cost.inner_products - spent <= 2 * finder.candidates / 1000  # the rolling refresh alone
    assert finder.cost.nodes_visited > 0


def test_cost_of_the_first_scan_is_every_pair_and_of_a_quiet_answer_nothing() -> None:
    model = Model(3, "gaussian", (50, 7, 4), np.float64, live=True)
    assert model.finder.cost.inner_products == 50 * 7
    model.check()
    model.check(np.array([3]))
    assert model.finder.cost.inner_products == 50 * 7


def test_a_live_row_that_jumps_is_scanned_again_and_an_array_row_only_if_it_must() -> None:
    for live in (True, False):
        model = Model(3, "gaussian", (50, 7, 4), np.float64, live, threshold=50.0)
        before = model.finder.cost.inner_products
        row = np.array([4])
        model.banks[0].assign(row, model.banks[0][row] + 0.01)
        model.finder.move_points(row, model.banks[0][row])
        model.check()
        assert model.finder.cost.inner_products - before == 7 * live
        assert model.finder.rescans == live


def test_answers_are_stored_by_point_when_points_have_the_lists() -> None:
    model = Model(3, "gaussian", (50, 7, 4), np.float64, live=True)
    assert model.finder.find().major == "point"
    assert model.finder.find([2, 0]).major == "query"
    assert Model(3, "gaussian", (7, 50, 4), np.float64, live=True).finder.find().major == "query"


def test_lists_change_sides_when_only_the_other_bank_moves() -> None:
    model = Model(7, "gaussian", (40, 6, 4), np.float64, live=True)
    for _ in range(12):
        model.step(1, "along", 0.1)
        model.check()
    assert model.finder.find().major == "query"
    model.step(0, "along", 0.5)
    model.check()


def test_an_adversary_inside_a_ball_is_covered_by_a_wider_skin() -> None:
    rng = np.random.default_rng(2)
    points, base = rng.standard_normal((4000, 8)), rng.standard_normal((6, 8))
    base /= np.linalg.norm(base, axis=1, keepdims=True)
    finder = SkinFinder()
    finder.build(points, base, 2.5)
    finder.move_points([0], points[:1])
    scanned = []
    for _ in range(12):
        shift = rng.standard_normal(base.shape)
        queries = base + 0.02 * shift / np.linalg.norm(shift, axis=1, keepdims=True)
        before = finder.rescans
        finder.move_queries(np.arange(6), queries)
        assert finder.find().same_sets(active_pairs(points, queries, 2.5))
        scanned.append(finder.rescans - before)
    assert max(scanned[-8:]) < 0.05 * len(points)


def test_the_number_of_threads_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(share: int) -> tuple[ActiveSets, dict[str, int]]:
        monkeypatch.setattr(_skin_lists, "_SHARE", share)
        model = drift(0, "moving", steps=5)
        return model.finder.find(), model.finder.cost.as_dict()

    alone, together = run(1 << 30), run(16)
    assert np.array_equal(alone[0].indices, together[0].indices)
    assert np.array_equal(alone[0].inner_products, together[0].inner_products)
    assert alone[1] == together[1]


@pytest.mark.parametrize("index", ["neurons", "data"])
@pytest.mark.parametrize("width", [400, 8])
def test_training_follows_the_run_of_a_scan(index: Any, width: int) -> None:
    def train(finder: Any) -> tuple[list[Any], np.ndarray]:
        data = sphere(12, 5, seed=3)
        network = TwoLayerNetwork.initialize(width, 5, threshold=0.9, seed=4)
        loss = make_loss("squared")
        targets = loss.encode(data, 1)
        training = gradient_descent(network, data.inputs, targets, loss, finder, index=index, steps=40, audit_every=1)
        return list(training), network.weights[:]

    finder = SkinFinder()
    records, weights = train(finder)
    reference, expected = train(ScanFinder())
    assert all(record.audit.recall == 1 and record.audit.spurious == 0 for record in records)
    assert [r.active_pairs for r in records] == [r.active_pairs for r in reference]
    assert np.allclose([r.loss for r in records], [r.loss for r in reference], rtol=1e-9)
    assert np.allclose(weights, expected, rtol=0, atol=1e-9)
    assert finder.cost.inner_products < sum(r.cost.inner_products for r in reference)


def test_conformance() -> None:
    assert len(check_finder(SkinFinder)) > 20
    check_finder(lambda: SkinFinder(skin=1e-6))


def test_a_motion_that_does_not_fit_is_refused() -> None:
    model = Model(3, "gaussian", (9, 4, 3), np.float64, live=True)
    motion = model.banks[0].move_along(np.array([1]), sparse.csr_array((1, 4)), model.banks[1][:])
    for rows, shape, error in (([1], (1, 3), InvariantError), ([1, 1], (2, 4), DataError), ([9], (1, 4), DataError)):
        wrong = type(motion)(motion.bank, np.array(rows), sparse.csr_array(shape))
        with pytest.raises(error):
            model.finder.move_points_along(wrong)


def test_a_list_that_was_made_anew_is_as_good_as_the_first() -> None:
    rng = np.random.default_rng(7)
    points, queries = rng.standard_normal((200, 5)), rng.standard_normal((6, 5))
    finder = SkinFinder(skin=0.3)
    finder.build(points, queries, 2.0)
    everywhere = np.arange(len(points))
    finder.find()
    finder.move_points(everywhere, points + 1.0)
    finder.find()
    assert finder.rescans > 100
    rescans = finder.rescans
    for step in range(3):
        finder.move_points(everywhere, points + 1.0 + 1e-9 * step)
        finder.find()
    assert finder.rescans == rescans
