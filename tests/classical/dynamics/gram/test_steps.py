"""What a step of Gram dynamics certifies: drifts, doubts near the threshold, slack, and what is evaluated again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from classical.dynamics.gram import dynamics as gram_dynamics
from classical.dynamics.gram import steps as compiled
from classical.dynamics.gram.chunks import Chunk
from classical.dynamics.gram.dynamics import GramDynamics
from classical.dynamics.gram.layout import SPENT, STALE
from hybrid_train.finder.bank import DenseBank
from hybrid_train.finder.scan import active_pairs
from hybrid_train.network import TwoLayerNetwork

EPS = float(np.finfo(float).eps)


def started(skin: float | None = None, b: float = 0.7, seed: int = 0, width: int = 60) -> GramDynamics:
    rng = np.random.default_rng(seed)
    network = TwoLayerNetwork(DenseBank(rng.standard_normal((width, 5))), rng.choice([-1.0, 1.0], (width, 1)), b)
    dynamics = GramDynamics(network, rng.standard_normal((8, 5)), skin=skin)
    dynamics.start()
    return dynamics


def rated(dynamics: GramDynamics, slot: int) -> tuple[float, int]:
    slack, needs = np.empty(1), np.empty(1, np.uint8)
    compiled.rate(dynamics._chunks[0].lists, dynamics._world, np.array([slot]), slack, needs)
    return float(slack[0]), int(needs[0])


def test_an_entry_that_following_may_have_put_on_the_wrong_side_is_evaluated() -> None:
    """Each of 1024 followed steps may round once: less than that from b must be in doubt, far more need not be."""
    dynamics = started()
    lists, world = dynamics._chunks[0].lists, dynamics._world
    for slot in range(len(lists.rows)):
        entry = int(lists.rows[slot]["start"])
        norm = world.norms[lists.entries[entry]["column"]]
        least, before = 1024 * EPS * world.reach * norm, lists.entries[entry]["inner"]
        for distance, needs in ((0.0, STALE), (0.9 * least, STALE), (-0.9 * least, STALE), (1e-9, 0), (-1e-9, 0)):
            lists.entries["inner"][entry] = world.threshold + distance
            slack, found = rated(dynamics, slot)
            assert found == needs
            assert (slack > 0) == (needs == 0)
        lists.entries["inner"][entry] = before


def test_a_row_is_spent_once_it_may_have_gone_its_gap() -> None:
    dynamics = started(skin=0.1)
    lists = dynamics._chunks[0].lists
    for gap, needs in ((0.5 * (1 + 1e-6), 0), (0.5, SPENT), (0.5 * (1 - 1e-6), SPENT), (np.nan, SPENT)):
        lists.rows["gap"][0], lists.rows["drift"][0] = gap, 0.5
        assert rated(dynamics, 0)[1] == needs


def test_no_row_may_go_farther_than_its_nearest_boundary() -> None:
    dynamics = started(b=0.3)
    lists, world = dynamics._chunks[0].lists, dynamics._world
    for slot in range(len(lists.rows)):
        slack, needs = rated(dynamics, slot)
        row = lists.rows[slot]
        entries = lists.entries[row["start"] : row["start"] + row["size"]]
        distances = np.abs(entries["inner"] - world.threshold) / world.norms[entries["column"]]
        if row["whole"]:
            assert slack <= min(distances.min(), row["gap"])
        else:
            firing = entries["column"][entries["inner"] > world.threshold]
            approach = np.abs(world.gram[np.ix_(entries["column"], firing)] * world.inverse[firing]).max(axis=1)
            nearest = (np.abs(entries["inner"] - world.threshold) / approach).min()
            assert slack <= min(nearest, row["gap"])
        assert slack > 0 or needs


@pytest.mark.parametrize("rate", [1e-9, 1e-3, 0.1])
def test_drift_bounds_how_far_a_row_went(rate: float) -> None:
    dynamics = started(skin=50.0)
    network, rng = dynamics.network, np.random.default_rng(1)
    before = network.weights[:].copy()
    for _ in range(30):
        dynamics.evaluate()
        dynamics.descend(rng.standard_normal((8, 1)), rate)
    assert dynamics.rescans == 0
    for chunk in dynamics._chunks:
        slots = np.arange(len(chunk.lists.rows))
        changed = np.empty(len(slots), bool)
        compiled.catch_up(chunk.lists, dynamics._world, dynamics._totals, slots, changed)
        went = np.linalg.norm(network.weights[:] - before, axis=1)[chunk.neurons(slots)]
        materialised = 10 * EPS * dynamics._world.reach  # what the difference of two weights loses
        assert (went <= chunk.lists.rows["drift"] + materialised).all()
        assert (chunk.lists.rows["drift"] <= 30 * rate * 8 * 10).all()


def onto_ties(steps: int = 40) -> int:
    """Drive rows back and forth along one example, so that other inner products come back onto the threshold.

    Returns:
        The inner products evaluated for it.
    """
    rng = np.random.default_rng(3)
    weights, inputs = rng.standard_normal((80, 6)), rng.standard_normal((7, 6))
    pull, near, b = inputs[0], inputs[3], 1.7
    weights += (8.0 - weights @ pull)[:, None] * pull / (pull @ pull)
    across = near - pull * (near @ pull) / (pull @ pull)
    weights[::2] += (b - weights[::2] @ near)[:, None] * across / (across @ across)
    network = TwoLayerNetwork(DenseBank(weights), np.ones((80, 1)), b)
    dynamics = GramDynamics(network, inputs)
    dynamics.start()
    spent, slope = dynamics.cost.inner_products, np.zeros((7, 1))
    for step in range(steps):
        dynamics.evaluate()
        assert dynamics.sets.same_sets(active_pairs(network.weights, inputs, b))
        slope[0] = -((-1.0) ** step) / 3
        dynamics.descend(slope, 1.0)
    return dynamics.cost.inner_products - spent


def test_inner_products_that_come_back_to_the_threshold_are_those_of_a_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    assert onto_ties() > 100
    # a twin that follows them but never evaluates what comes near
    monkeypatch.setattr(Chunk, "evaluate", lambda *_: (0, 0.0))
    monkeypatch.setattr(GramDynamics, "_refresh", lambda self: None)
    with pytest.raises(AssertionError):
        onto_ties()


def test_every_firing_row_is_evaluated_within_the_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gram_dynamics, "ROUNDS", 8)
    dynamics = started(skin=20.0)
    seen: set[int] = set()
    refresh = Chunk.refresh

    def noted(self: Chunk, world: Any, totals: Any, slots: Any, *banks: Any) -> Any:
        seen.update(int(neuron) for neuron in self.neurons(slots))
        return refresh(self, world, totals, slots, *banks)

    monkeypatch.setattr(Chunk, "refresh", noted)
    for _ in range(8 + len(dynamics._chunks)):
        dynamics.evaluate()
        dynamics.descend(np.full((8, 1), 1e-12), 1.0)
    dynamics.evaluate()
    assert seen == {int(neuron) for neuron in dynamics.sets.point_ids}
