"""Training in the way that is fastest: with a clock that the tests set, and with the real one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from classical.auto import dynamics as raced
from classical.auto.dynamics import RacedDynamics
from classical.auto.finder import AutoFinder
from classical.auto.ways import ways_to_train
from classical.dynamics.gram.dynamics import GramDynamics
from classical.dynamics.rows.dynamics import RowDynamics
from classical.dynamics.sets import SetDynamics
from classical.scan import ScanFinder
from hybrid_train.errors import InvariantError, ResourceError
from hybrid_train.network import TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray


class Clock:
    """Tells the time that the work of the tests says has passed."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(raced, "time", clock)
    return clock


def way(clock: Clock, step: Callable[[int], float], start: float = 0.0, log: list[int] | None = None) -> Any:
    """Return a way whose step takes ``step(steps taken)`` seconds for 1000 neurons, and that starts in ``start``."""

    class Timed(RowDynamics):
        taken = 0

        def start(self) -> None:
            clock.now += start * self.network.width / 1000
            super().start()

        def descend(self, slope: FloatArray, rate: float) -> int:
            clock.now += step(Timed.taken) * self.network.width / 1000
            if self.network.width == 8000:
                Timed.taken += 1
                if log is not None:
                    log.append(Timed.taken)
            return super().descend(slope, rate)

    return Timed


def run(ways: dict[str, Any], steps: int, planned: int | None = None) -> tuple[RacedDynamics, list[str], FloatArray]:
    """Train; return the dynamics, who was at work at each step, and the outputs at the end."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((20, 5))
    network = TwoLayerNetwork.initialize(8000, 5, threshold=1.0, seed=1)
    dynamics = RacedDynamics(network, x, ways, lambda name, _: name, planned)
    dynamics.start()
    at_work, seen = [], dynamics.evaluate()
    for _ in range(steps):
        dynamics.descend(seen.outputs - 1.0, 0.01)
        seen = dynamics.evaluate()
        at_work.append(dynamics.remarks["choice"])
    dynamics.finish()
    return dynamics, at_work, seen.outputs


def test_a_faster_rival_takes_over_within_a_few_steps(clock: Clock) -> None:
    ways = {"slow": way(clock, lambda _: 1.0), "fast": way(clock, lambda _: 0.1)}
    _, at_work, _ = run(ways, 30)
    assert at_work[-1] == "fast"
    assert at_work.index("fast") <= 8
    assert at_work == sorted(at_work, reverse=True)  # once and for all


def test_a_slower_rival_does_not_and_costs_little(clock: Clock) -> None:
    ways = {"fast": way(clock, lambda _: 0.1, 0.2), "slow": way(clock, lambda _: 0.3, 0.5)}
    _, at_work, _ = run(ways, 60)
    assert set(at_work) == {"fast"}
    assert clock.now < 1.05 * 8 * (60 * 0.1 + 0.2) + 0.8


def test_a_hopeless_rival_is_dropped_at_once(clock: Clock) -> None:
    ways = {"fast": way(clock, lambda _: 0.1), "slow": way(clock, lambda _: 10.0)}
    run(ways, 60)
    assert clock.now < 8 * 60 * 0.1 + 3 * 10.0 * 0.16  # two steps of the two small networks at most


def test_a_start_that_is_too_dear_for_the_rest_is_not_made(clock: Clock) -> None:
    def both() -> dict[str, Any]:
        return {"slow": way(clock, lambda _: 1.0), "fast": way(clock, lambda _: 0.5, start=10.0)}

    _, at_work, _ = run(both(), 15, planned=15)
    assert set(at_work) == {"slow"}
    _, at_work, _ = run(both(), 15, planned=100)
    assert at_work[-1] == "fast"


def test_one_that_becomes_fast_is_found_again(clock: Clock) -> None:
    main = way(clock, lambda _: 1.0)

    class Sleepy(RowDynamics):
        def descend(self, slope: FloatArray, rate: float) -> int:
            clock.now += (5.0 if clock.now < 300 else 0.1) * self.network.width / 1000
            return super().descend(slope, rate)

    _, at_work, _ = run({"steady": main, "sleepy": Sleepy}, 150)
    assert at_work[20] == "steady"
    assert at_work[-1] == "sleepy"


def test_what_is_learnt_does_not_depend_on_who_trains(clock: Clock) -> None:
    ways: dict[str, Any] = {
        "rows": way(clock, lambda taken: 0.1 if taken < 12 else 10.0),
        "gram": GramDynamics,
        "scan": lambda network, x: SetDynamics(network, x, ScanFinder()),
    }
    dynamics, at_work, outputs = run(ways, 40)
    assert len(set(at_work)) > 1
    alone, _, expected = run({"rows": RowDynamics}, 40)
    assert np.allclose(outputs, expected, rtol=0, atol=1e-10)
    assert np.allclose(dynamics.banks[0][:], alone.banks[0][:], rtol=0, atol=1e-10)


def test_costs_of_trials_are_charged(clock: Clock) -> None:
    plain, _, _ = run({"rows": RowDynamics}, 10)
    tried, _, _ = run({"rows": RowDynamics, "scan": lambda network, x: SetDynamics(network, x, ScanFinder())}, 10)
    assert tried.cost.inner_products > plain.cost.inner_products


def test_a_way_that_does_not_fit_is_left_out(clock: Clock) -> None:
    class TooLarge(RowDynamics):
        def start(self) -> None:
            raise ResourceError("needed 3 TiB, available 1 GiB")

    for ways in ({"large": TooLarge, "rows": RowDynamics}, {"rows": RowDynamics, "large": TooLarge}):
        dynamics, at_work, _ = run(ways, 4)
        assert set(at_work) == {"rows"}
        assert dynamics.left_out == {"large": "needed 3 TiB, available 1 GiB"}
    with pytest.raises(ResourceError, match="3 TiB"):
        run({"large": TooLarge}, 1)


def test_mini_batches_are_raced_too() -> None:
    rng = np.random.default_rng(2)
    x, targets = rng.standard_normal((64, 6)), rng.choice([-1.0, 1.0], (64, 1))
    outputs = []
    for auto in (True, False):
        network = TwoLayerNetwork.initialize(4096, 6, threshold=1.5, seed=3)
        raced = AutoFinder().dynamics_for_batches(network, x)
        dynamics = raced if auto and raced else SetDynamics(network, x, ScanFinder())
        dynamics.start()
        order = np.random.default_rng(5)
        for _ in range(20):
            rows = np.sort(order.permutation(64)[:8])
            seen = dynamics.evaluate(rows)
            dynamics.descend(seen.outputs - targets[rows], 0.1)
        outputs.append(dynamics.evaluate().outputs)
        dynamics.finish()
    assert np.allclose(*outputs, rtol=0, atol=1e-10)


def test_the_ways_are_those_that_weights_and_examples_allow() -> None:
    rng = np.random.default_rng(1)
    apart = np.linalg.qr(rng.standard_normal((40, 40)))[0][:20]
    alike = apart[:1] + 1e-3 * rng.standard_normal((300, 40))
    stored, seeded = (TwoLayerNetwork.initialize(2048, 40, storage=kind, seed=1) for kind in ("stored", "seeded"))
    assert list(ways_to_train(stored, apart)) == ["gram", "rows"]
    assert list(ways_to_train(stored, alike)) == ["rows"]
    assert list(ways_to_train(seeded, alike)) == ["gram"]
    assert list(ways_to_train(stored, alike, in_batches=True)) == ["batch"]


def test_the_examples_are_held_fixed() -> None:
    network = TwoLayerNetwork.initialize(64, 4)
    dynamics = RacedDynamics(network, np.ones((2, 4)), {"rows": RowDynamics}, lambda name, _: name)
    for call in (
        lambda: dynamics.input_gradient(np.zeros((2, 1))),
        lambda: dynamics.move_examples(np.array([0]), np.ones((1, 4))),
    ):
        with pytest.raises(InvariantError, match="held fixed"):
            call()


def test_a_rival_that_disappoints_hands_back(clock: Clock) -> None:
    ways = {"steady": way(clock, lambda _: 1.0), "promising": Disappointing}
    Disappointing.clock = clock
    _, at_work, outputs = run(ways, 30)
    assert "promising" in at_work
    assert at_work[-1] == "steady"
    _, _, expected = run({"rows": RowDynamics}, 30)
    assert np.allclose(outputs, expected, rtol=0, atol=1e-10)


class Disappointing(RowDynamics):
    """Fast on a few neurons, slow on all of them."""

    clock: Clock

    def descend(self, slope: FloatArray, rate: float) -> int:
        self.clock.now += 1e-4 * self.network.width if self.network.width < 8000 else 100.0
        return super().descend(slope, rate)


def test_scanning_is_held_in_reserve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hybrid_train.support.memory.available_bytes", lambda: 1 << 10)
    x = np.random.default_rng(1).standard_normal((64, 6))
    network = TwoLayerNetwork.initialize(4096, 6, threshold=1.0, seed=3)
    dynamics = AutoFinder().dynamics(network, x)
    assert isinstance(dynamics, RacedDynamics)
    dynamics.start()
    assert dynamics.evaluate().fired.sum() > 0
    assert dynamics.remarks["choice"].startswith("scan")
    assert "rows" in dynamics.left_out
