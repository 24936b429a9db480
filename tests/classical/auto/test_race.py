from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from classical.auto.race import Pace, Race

QUERIES = 64


def seconds_of(race: Race, true: dict[str, float], finds: int, rng: np.random.Generator, noise: float = 0.1) -> Any:
    """Play a run of ``finds`` answers; return the seconds of each, building included, and who gave them."""
    taken, who = [], []
    for find in range(finds):
        build = 0.0
        if (kind := race.better((finds - find) * QUERIES, set(true))) != race.current:
            build = race.paces[kind].build
            race.change(kind, build)
        seconds = true[race.current] * QUERIES * rng.lognormal(0, noise)
        race.note(seconds, QUERIES)
        taken.append(seconds + build)
        who.append(race.current)
    return np.array(taken), who


def started(estimates: dict[str, float], **options: float) -> Race:
    paces = {kind: Pace(seconds, QUERIES * seconds, **options) for kind, seconds in estimates.items()}
    return Race(paces, min(estimates, key=lambda kind: estimates[kind]))


def test_ends_with_the_fastest_though_estimates_are_wrong_by_almost_two() -> None:
    rng = np.random.default_rng(0)
    late, whole = [], []
    for _ in range(200):
        true = {kind: float(np.exp(rng.uniform(0, 3))) for kind in "abc"}
        race = started({kind: pace * float(rng.uniform(0.55, 1.8)) for kind, pace in true.items()})
        taken, who = seconds_of(race, true, 400, rng)
        best = min(true.values())
        late.append(best / np.mean([true[kind] for kind in who[200:]]))
        whole.append(taken.sum() / (best * QUERIES * 400))
        assert race.switches <= 15
    assert min(late) >= 0.95
    assert np.mean(late) >= 0.99
    assert max(whole) <= 1.2


def test_a_twin_that_trusts_its_estimates_does_not() -> None:
    true = {"a": 1.0, "b": 1.5}
    wrong = {"a": 1.7, "b": 1.5}
    rng = np.random.default_rng(1)
    trusting = started(wrong)
    for pace in trusting.paces.values():
        pace.measured, pace.judged_at = True, 10**9
    assert seconds_of(trusting, true, 100, rng, noise=0.0)[1][-1] == "b"
    assert seconds_of(started(wrong), true, 100, rng, noise=0.0)[1][-1] == "a"


def test_a_trial_that_costs_too_much_of_the_rest_is_not_made() -> None:
    race = Race({"a": Pace(1.0, 0.0), "b": Pace(0.1, 50.0)}, "a")
    for _ in range(6):
        race.note(1.0, 1)
    assert race.better(900, {"a", "b"}) == "a"
    assert race.better(1100, {"a", "b"}) == "b"


def test_one_that_cannot_take_part_is_left_alone() -> None:
    race = Race({"a": Pace(1.0, 0.0), "b": Pace(0.1, 0.0)}, "a")
    for _ in range(6):
        race.note(1.0, 1)
    assert race.better(10**6, {"a"}) == "a"


def test_nobody_is_judged_by_a_first_answer() -> None:
    race = Race({"a": Pace(1.0, 0.0), "b": Pace(0.9, 0.0)}, "a")
    race.note(1000.0, 1)
    for _ in range(5):
        assert race.better(10**6, {"a", "b"}) == "a"
        race.note(1.0, 1)
    assert race.paces["a"].per_query == 1.0
    assert race.better(10**6, {"a", "b"}) == "b"


def test_losers_are_tried_again_ever_more_rarely() -> None:
    true = {"a": 1.0, "b": 1.4}
    trials = []
    for finds in (500, 2000, 8000):
        race = started(true)
        seconds_of(race, true, finds, np.random.default_rng(2))
        trials.append(race.switches)
    assert trials[-1] <= 20
    assert trials[2] - trials[1] <= 4


def test_one_that_becomes_fast_is_found_again() -> None:
    rng = np.random.default_rng(3)
    race = started({"scan": 1.0, "skin": 0.2}, guess=0.0)
    race.paces["skin"].guess = 0.2
    seconds_of(race, {"scan": 1.0, "skin": 5.0}, 60, rng)
    assert race.current == "scan"
    seconds_of(race, {"scan": 1.0, "skin": 0.1}, 600, rng)
    assert race.current == "skin"


@pytest.mark.parametrize("queries", [0, 5])
def test_asking_for_nothing_says_nothing(queries: Any) -> None:
    race = Race({"a": Pace(1.0, 0.0)}, "a")
    for _ in range(9):
        race.note(1.0, queries)
    assert race.asked == 9 * queries
    assert race.paces["a"].measured == (queries > 0)
