"""Rows that rest: the same sets and outputs as rows in lists, at a byte each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from classical.dynamics.gram import chunks, firing_sets, resting
from classical.dynamics.gram.dynamics import GramDynamics
from hybrid_train.data import sphere
from hybrid_train.errors import ResourceError
from hybrid_train.finder.bank import DenseBank
from hybrid_train.network import TwoLayerNetwork, live
from hybrid_train.support.parallel import threads

DATA = sphere(24, 8, seed=5)


@pytest.fixture(autouse=True)
def made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_HELD", 0)
    monkeypatch.setattr(chunks, "_CHUNK", 1000)


def network(**options: Any) -> TwoLayerNetwork:
    given = {"width": 20_000, "dimension": 8, "storage": "live", "examples": DATA.inputs, "seed": 2, "threshold": 2.0}
    return TwoLayerNetwork.initialize(**(given | options))


def run(net: TwoLayerNetwork, *, rest: bool = True, steps: int = 12, part: float = 1.0) -> tuple[GramDynamics, Any]:
    """Train; return the dynamics and, for each step, outputs, fired counts, sets and rows that moved."""
    dynamics = GramDynamics(net, DATA.inputs, rest=rest)
    dynamics.start()
    rate = part / dynamics.top_eigenvalue()
    seen: list[Any] = []
    for _ in range(steps):
        found = dynamics.evaluate()
        slope = found.outputs - DATA.targets.reshape(-1, 1)
        slope[::3] *= len(seen) % 4 != 3  # some examples do not pull
        seen.append((found.outputs, found.fired, dynamics.sets.indices, dynamics.descend(slope, rate)))
    return dynamics, seen


def right(dynamics: GramDynamics) -> bool:
    found = dynamics.audit()
    return found.recall == 1.0 and found.spurious == 0


@pytest.mark.parametrize("options", [{}, {"dtype": "float32"}, {"outputs": 2}, {"start": "paired"}])
@pytest.mark.parametrize("storage", ["live", "seeded"])
def test_the_sets_of_every_step_are_those_of_rows_in_lists(options: Any, storage: Any) -> None:
    if storage == "seeded":
        options = options | {"storage": "seeded", "examples": None}
    (ours, one), (_, other) = run(network(**options)), run(network(**options), rest=False)
    at_rest = ours.facts()["resting_neurons"]
    assert 0 < at_rest < ours.network.width
    assert ours.facts()["listed_neurons"] > 0
    for mine, theirs in zip(one, other, strict=True):
        assert np.allclose(mine[0], theirs[0], rtol=1e-9, atol=1e-12)
        assert np.array_equal(mine[1], theirs[1])
        assert np.array_equal(mine[2], theirs[2])
        assert mine[3] == theirs[3]
    assert right(ours)


def test_weights_are_those_of_rows_in_lists_also_once_the_run_is_over() -> None:
    one, other = network(), network()
    ours, _ = run(one)
    run(other, rest=False)
    ours.finish()
    assert np.allclose(one.weights[:], other.weights[:], rtol=0, atol=1e-12)
    rows = np.array([5, 3, 1200])
    assert np.array_equal(one.weights[rows], one.weights[:][rows])
    again, _ = run(one, steps=3)
    assert again.facts()["resting_neurons"] > 0
    assert right(again)


def test_a_stored_bank_is_carried_out() -> None:
    net = network()
    stored = TwoLayerNetwork(DenseBank(net.weights[:]), net.output_weights, net.threshold, output_scale=net.scale)
    ours, _ = run(stored)
    assert ours.facts()["resting_neurons"] > 0
    now = np.array(stored.weights[:])
    ours.finish()
    assert np.array_equal(stored.weights[:], now)


def test_a_row_that_rests_takes_hardly_more_than_a_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "_CHUNK", 1 << 17)
    dynamics, _ = run(network(width=200_000, threshold="auto"), steps=0)
    taken = sum(part.nbytes for chunk in dynamics._chunks for part in (*chunk.lists, chunk.due))
    taken += sum(chunk.resting.levels.nbytes for chunk in dynamics._chunks if chunk.resting is not None)
    assert dynamics.facts()["resting_neurons"] > 0.99 * dynamics.network.width
    heads = sum(chunk.lists.heads.nbytes for chunk in dynamics._chunks)
    assert taken - heads < 2 * dynamics.network.width


def test_rests_that_are_too_long_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    assert right(run(network())[0])
    monkeypatch.setattr(resting.Resting, "due", lambda self, level: np.empty(0, np.int64))
    assert not right(run(network())[0])


def test_nobody_rests_where_it_cannot_be_counted_who_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = [moved for *_, moved in run(network())[1]]
    monkeypatch.setattr(firing_sets, "_FIRST", 4)
    monkeypatch.setattr(firing_sets, "_MOST", 5)
    dynamics, seen = run(network())
    assert dynamics.facts()["resting_neurons"] == 0
    assert [moved for *_, moved in seen] == truth
    assert right(dynamics)


def test_output_weights_that_are_no_signs_keep_everybody_in_lists() -> None:
    assert run(network(output_weight=0.5), steps=2)[0].facts()["resting_neurons"] == 0


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    found = []
    for count in (1, 3):
        with threads(count):
            dynamics, seen = run(network(start="paired"))
            assert len(dynamics._chunks) > 6
            assert not seen[0][0].any()
            found.append([*(outputs for outputs, *_ in seen), dynamics.network.weights[:]])
    assert all(np.array_equal(one, other) for one, other in zip(*found, strict=True))


def test_a_level_is_never_higher_than_what_it_stands_for() -> None:
    dynamics = GramDynamics(network(), DATA.inputs)
    dynamics.start()
    edges = resting.limits_of(1.3, dynamics._world).edges
    for alarm in np.concatenate([np.geomspace(1e-12, 100, 1000), edges[1:], np.nextafter(edges[1:], 0)]):
        level = resting._level(edges, alarm)
        assert edges[level] <= alarm
        assert level == resting.LAST or edges[level + 1] > alarm
    assert resting._level(edges, -1.0) == resting._level(edges, np.nan) == resting.AWAKE
    assert resting._level(edges, np.inf) == resting.LAST


def test_lists_of_rows_that_wake_are_refused_if_they_cannot_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    net = network()
    dynamics = GramDynamics(net, DATA.inputs)
    dynamics.start()
    monkeypatch.setattr("hybrid_train.support.memory.available_bytes", lambda: 1 << 10)
    with pytest.raises(ResourceError, match=r"neurons that wake: .*learning_rate"):
        dynamics.descend(dynamics.evaluate().outputs - DATA.targets.reshape(-1, 1), 1 / dynamics.top_eigenvalue())
    with pytest.raises(ResourceError, match="a byte for each"):
        GramDynamics(net, DATA.inputs).start()
