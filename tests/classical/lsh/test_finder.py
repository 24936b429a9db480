"""Hash tables: never a spurious point, exactly the colliding ones whatever moves, and collisions as theory has them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classical.lsh import LSHFinder
from classical.lsh import finder as lsh
from classical.lsh import kernels as compiled
from classical.training import gradient_descent
from hybrid_train.data import sphere
from hybrid_train.errors import ConfigError, ResourceError
from hybrid_train.finder import APPROXIMATE
from hybrid_train.finder.bank import DenseBank
from hybrid_train.finder.cost import Cost
from hybrid_train.finder.registry import make_finder
from hybrid_train.finder.scan import active_pairs
from hybrid_train.network import TwoLayerNetwork
from hybrid_train.testing import check_finder
from hybrid_train.training.losses import make_loss
from tests.support.banks import KINDS, a_tie, drawn_banks, moved_along, vectors
from tests.support.statistics import share_is


def signed_codes(finder: LSHFinder, bank: Any, stored: np.ndarray, bits: int) -> np.ndarray:
    """Return (n, L) codes by double precision; where a sign is within rounding of zero, the stored one is believed."""
    rows = np.asarray(bank, np.float64)
    rows = rows / np.where(np.abs(rows).max(axis=1) > 0, np.abs(rows).max(axis=1), 1)[:, None]
    products = rows @ finder._directions.astype(np.float64)
    weights = 1 << np.arange(bits)[::-1]
    signs = (products > 0).reshape(len(rows), -1, bits)
    believed = (stored[:, :, None] & weights) > 0
    unclear = (np.abs(products) < 1e-4).reshape(signs.shape)
    return np.where(unclear, believed, signs) @ weights


def expected(finder: LSHFinder, banks: list[DenseBank], threshold: float, bits: int) -> tuple[set[Any], int, int]:
    """Return (active pairs that share a bucket, pairs that share one, shared buckets), by looking at every pair."""
    codes = [
        signed_codes(finder, banks[0], finder._tables.code.T, bits),
        signed_codes(finder, banks[1], finder._query_codes, bits),
    ]
    shared = (codes[1][:, None, :] == codes[0][None, :, :]).sum(axis=2)
    truth = active_pairs(*banks, threshold)
    pairs = set(zip(truth.query_ids.tolist(), truth.point_ids.tolist(), strict=True))
    return {pair for pair in pairs if shared[pair]}, int((shared > 0).sum()), int(shared.sum())


def assert_as_expected(finder: LSHFinder, banks: list[DenseBank], threshold: float, bits: int) -> None:
    finder.find()  # hashes what moved
    before = finder.cost.copy()
    sets = finder.find()
    pairs, candidates, entries = expected(finder, banks, threshold, bits)
    assert set(zip(sets.query_ids.tolist(), sets.point_ids.tolist(), strict=True)) == pairs
    assert sets.nnz == len(pairs)
    assert finder.cost - before == Cost(inner_products=candidates, nodes_visited=entries)
    truth = {(q, p): v for q, ps, vs in active_pairs(*banks, threshold) for p, v in zip(ps, vs, strict=True)}
    for query, points, values in sets:
        assert (np.diff(points) > 0).all()
        assert [truth[query, p] for p in points] == values.tolist()


MOVES = st.lists(st.tuples(st.integers(0, 1), st.sampled_from(["replaced", "along", "nudged"])), max_size=8)


@settings(max_examples=150)
@given(
    st.integers(0, 2**32),
    st.sampled_from(KINDS),
    st.tuples(st.integers(1, 120), st.integers(1, 20), st.integers(1, 20)),
    st.sampled_from([np.float32, np.float64]),
    st.tuples(st.integers(1, 6), st.integers(1, 5)),
    st.sampled_from([0.0, 0.5, -1.0, "tie"]),
    st.sampled_from([None, 1, 1000]),
    MOVES,
)
def test_reported_are_exactly_the_active_points_that_share_a_bucket(
    seed: int, kind: Any, shape: Any, dtype: Any, size: Any, threshold: Any, room: int | None, moves: Any
) -> None:
    rng = np.random.default_rng(seed)
    banks = drawn_banks(rng, kind, shape[:2], shape[2], dtype)
    threshold = a_tie(rng, banks) if threshold == "tie" else threshold
    finder = LSHFinder(tables=size[0], bits=size[1])
    finder.plan(seed=np.random.SeedSequence(seed))
    with pytest.MonkeyPatch.context() as patch:
        if room is not None:
            patch.setattr(compiled, "side_room", lambda n_points: room)
        finder.build(*(banks if seed % 2 else [bank[:].copy() for bank in banks]), threshold)
    assert_as_expected(finder, banks, threshold, size[1])
    for side, how in moves:
        bank = banks[side]
        rows = rng.permutation(len(bank))[: rng.integers(0, len(bank) + 1)]
        if how == "along" and kind != "overflowing":
            if not moved_along(rng, finder, banks, side, rows):
                return
        else:
            noise = rng.standard_normal((len(rows), shape[2]))
            fresh = vectors(rng, kind, noise.shape, dtype) if how == "replaced" else bank[rows] * (1 + 0.01 * noise)
            bank.assign(rows, fresh.astype(dtype))
            (finder.move_points, finder.move_queries)[side](rows, bank[rows])
        assert_as_expected(finder, banks, threshold, size[1])


def test_a_table_that_forgets_to_move_a_point_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    banks = [DenseBank(rng.standard_normal((100, 6))), DenseBank(rng.standard_normal((8, 6)))]
    finder = LSHFinder(tables=4, bits=3)
    finder.build(*banks, 0.5)
    assert_as_expected(finder, banks, 0.5, 3)
    monkeypatch.setattr(compiled, "move", lambda *arguments: None)
    banks[0].assign(np.arange(50), rng.standard_normal((50, 6)))
    finder.move_points(np.arange(50), banks[0][:50])
    with pytest.raises(AssertionError):
        assert_as_expected(finder, banks, 0.5, 3)


def collisions(finder: LSHFinder, angle: float) -> int:
    """Return in how many of 4096 tables of one bit two vectors at this angle collide."""
    finder.plan(seed=np.random.SeedSequence(5))
    turned = np.array([[3.0, 0.0, 0.0]]), np.array([[np.cos(angle), np.sin(angle), 0.0]])
    finder.build(*turned, -100.0)
    finder.find()
    return finder.cost.nodes_visited


@pytest.mark.parametrize("angle", [0.0, 0.3, 1.2, np.pi / 2, 2.9])
def test_a_sign_is_shared_with_the_probability_of_the_angle(angle: float) -> None:
    count = collisions(LSHFinder(tables=4096, bits=1), angle)
    assert share_is(count, 4096, 1 - angle / np.pi, sees=0.08)


def test_directions_that_are_not_spread_over_the_sphere_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    make = np.random.default_rng

    class OneSided:
        def __init__(self, seed: Any) -> None:
            self.generator = make(seed)

        def standard_normal(self, shape: Any, dtype: Any) -> Any:
            return np.abs(self.generator.standard_normal(shape, dtype=dtype))

    monkeypatch.setattr(np.random, "default_rng", OneSided)
    assert not share_is(collisions(LSHFinder(tables=4096, bits=1), 1.2), 4096, 1 - 1.2 / np.pi, sees=0.08)


def test_recall_is_what_the_angles_predict() -> None:
    """Low in 64 dimensions: the mean over active pairs of 1 - (1 - (1 - a / pi)^9)^50, within a tenth of it."""
    rng = np.random.default_rng(6)
    points, queries = rng.standard_normal((1 << 13, 64)), rng.standard_normal((32, 64))
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    threshold = np.sqrt(0.4 * np.log(1 << 13))
    truth = active_pairs(points, queries, threshold)
    angles = np.arccos(truth.inner_products / np.linalg.norm(points[truth.point_ids], axis=1))
    predicted = (1 - (1 - (1 - angles / np.pi) ** 9) ** 50).mean()
    finder = make_finder("lsh", seed=0)
    finder.build(points, queries, threshold)
    assert 0.3 < predicted < 0.4
    assert finder.find().nnz / truth.nnz == pytest.approx(predicted, rel=0.1)


def test_more_tables_find_more_and_more_bits_less() -> None:
    rng = np.random.default_rng(1)
    points, queries = rng.standard_normal((4000, 16)), rng.standard_normal((20, 16))
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    found = []
    for tables, bits in ((5, 9), (50, 9), (50, 3)):
        finder = make_finder("lsh", seed=3, tables=tables, bits=bits)
        finder.build(points, queries, 1.8)
        found.append(finder.find().nnz)
    assert found[0] < found[1] < found[2] <= active_pairs(points, queries, 1.8).nnz


def test_only_what_moved_and_is_asked_is_hashed_and_only_once() -> None:
    rng = np.random.default_rng(2)
    finder = LSHFinder(tables=7, bits=3)
    finder.build(rng.standard_normal((40, 5)), rng.standard_normal((6, 5)), 1e9)
    assert finder.cost == Cost(inner_products=40 * 21)

    def hashed(rows: Any = None) -> int:
        """Return the inner products of a ``find`` beyond those of the same one again."""
        start = finder.cost.inner_products
        finder.find(rows)
        middle = finder.cost.inner_products
        finder.find(rows)
        return middle - start - (finder.cost.inner_products - middle)

    assert hashed([1, 3]) == 2 * 21
    assert hashed() == 4 * 21
    for _ in range(3):
        finder.move_points([0, 5, 9], rng.standard_normal((3, 5)))
    finder.move_queries([1, 2], rng.standard_normal((2, 5)))
    assert hashed([2]) == 4 * 21
    assert hashed() == 21
    assert hashed() == 0


def test_norms_change_no_bucket() -> None:
    rng = np.random.default_rng(3)
    points, queries = rng.standard_normal((200, 6)), rng.standard_normal((5, 6))
    codes = []
    for scale in (1.0, 2.0 ** rng.integers(-1070, 1020, (200, 1))):
        finder = LSHFinder()
        finder.build(points * scale, queries, 0.0)
        codes.append(finder._tables.code)
    normal = np.abs(points * scale).min(axis=1) > 1e-290  # below, coordinates lose digits
    assert normal.sum() > 150
    assert np.array_equal(codes[0][:, normal], codes[1][:, normal])


def test_blocks_and_threads_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def run() -> tuple[Any, ...]:
        rng = np.random.default_rng(4)
        finder = LSHFinder(tables=9, bits=4)
        finder.build(rng.standard_normal((300, 6)), rng.standard_normal((80, 6)), 0.7)
        finder.find()
        finder.move_points(np.arange(30), rng.standard_normal((30, 6)))
        sets = finder.find()
        return sets.indptr.tolist(), sets.indices.tolist(), sets.inner_products.tolist(), finder.cost

    whole = run()
    for name in ("_THREAD_PRODUCTS", "_THREAD_ENTRIES", "_BLOCK_PRODUCTS"):
        monkeypatch.setattr(lsh, name, 40)
    assert run() == whole


@pytest.mark.parametrize("index", ["neurons", "data"])
def test_training_misses_but_never_invents(index: Any) -> None:
    data = sphere(12, 5, seed=3)
    network = TwoLayerNetwork.initialize(300, 5, threshold=0.9, seed=4)
    loss = make_loss("squared")
    finder = make_finder("lsh", seed=1, tables=4, bits=4)
    training = gradient_descent(
        network, data.inputs, loss.encode(data, 1), loss, finder, index=index, steps=10, audit_every=1
    )
    records = list(training)
    assert all(record.audit.spurious == 0 for record in records)
    assert all(0.1 < record.audit.recall < 1 for record in records)
    assert records[-1].loss < records[0].loss


def test_what_does_not_fit_is_refused_with_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    finder = LSHFinder(tables=4, bits=3)
    finder.build(np.ones((1000, 5)), np.ones((30, 5)), 0.0)
    held = sum(array.nbytes for array in (*finder._tables, finder._query_codes, finder._directions))
    monkeypatch.setattr("hybrid_train.support.memory.available_bytes", lambda: int(1.4 * held))
    finder.check_resources(1000, 30, 5)
    monkeypatch.setattr("hybrid_train.support.memory.available_bytes", lambda: held - 100)
    with pytest.raises(
        ResourceError, match=r"finder\.tables=4.*1000 points and 30 queries.*needed .* KiB, available .* KiB; take"
    ):
        finder.check_resources(1000, 30, 5)


def test_conformance() -> None:
    assert len(check_finder(LSHFinder)) > 20
    check_finder(lambda: LSHFinder(tables=2, bits=3))


def test_says_what_it_is() -> None:
    assert LSHFinder().promise == APPROXIMATE
    assert "SLIDE" in LSHFinder.source
    for wrong in ({"tables": 0}, {"bits": 0}, {"bits": 17}):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            make_finder("lsh", **wrong)
