"""Laws of all finders and of all dynamics, over random histories: always what the vectors themselves say.

``make explore`` plays these with many more examples.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis.stateful import run_state_machine_as_test

from hybrid_train.finder.registry import FINDERS
from tests.support.exploring import examples, histories
from tests.support.histories import FinderHistory
from tests.support.random_runs import assert_runs_alike, configs, valid
from tests.support.trainings import EXACT_ANYWHERE, TRAINERS, DeepHistory, TrainingHistory


@pytest.mark.parametrize("kind", FINDERS)
def test_a_finder_answers_from_the_vectors_as_they_are(kind: str) -> None:
    run_state_machine_as_test(lambda: FinderHistory(kind), settings=histories(8))


@pytest.mark.parametrize("name", TRAINERS)
def test_a_training_does_what_its_vectors_ask_for(name: str) -> None:
    run_state_machine_as_test(lambda: TrainingHistory(name), settings=histories(4))


def test_a_case_that_was_found_steps_of_very_different_sizes() -> None:
    """Pulls are added up, so that a step of 1e-3 leaves a rounding that a step of 1e-9 alone would not explain."""
    state = TrainingHistory("gram")
    state.begin(seed=0, kind="grid", shape=(5, 5, 10), single=False, outputs=1, activation="relu")
    for rate in (0.0, 0.001, 1e-09):
        state.evaluate(some=False)
        state.descend(rate=rate)
    state.teardown()


@pytest.mark.parametrize("kind", EXACT_ANYWHERE)
def test_a_deep_training_does_what_its_vectors_ask_for(kind: str) -> None:
    run_state_machine_as_test(lambda: DeepHistory(kind), settings=histories(2))


@pytest.mark.parametrize("part", range(4))  # so that several processes can explore
@examples(4)
@given(tables=configs())
def test_a_whole_run_is_that_of_the_scan(part: int, tables: dict[str, Any]) -> None:
    assume(valid(tables))
    assert_runs_alike(tables)
