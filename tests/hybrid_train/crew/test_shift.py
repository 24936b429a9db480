"""Every task is done once, in whatever order workers end, and whoever of them dies."""

from __future__ import annotations

import os

import pytest

from hybrid_train.crew.executors import LocalCrew, crew_of
from hybrid_train.crew.shift import Answer, Task, answers
from hybrid_train.errors import ConfigError, DataError
from hybrid_train.support.parallel import processors
from tests.support.crews import Crew


def doubled(number: int) -> int:
    if number < 0:
        raise DataError(f"number={number}: expected 0 or more")
    return 2 * number


def where(_: int) -> tuple[int, int]:
    return os.getpid(), processors()


def tasks(*numbers: int) -> list[Task]:
    return [Task(f"n={number}", doubled, (number,)) for number in numbers]


def by_name(found: list[Answer]) -> dict[str, tuple[int | None, str | None]]:
    return {answer.name: (answer.value, answer.error) for answer in found}


@pytest.mark.parametrize("deaths", [{}, {0: 1}, {1: 1}, {1: 1, 2: 1}])
@pytest.mark.parametrize("workers", [1, 3])
def test_every_task_is_done_whoever_dies(deaths: dict[int, int], workers: int) -> None:
    crew = Crew(deaths, workers=workers)
    found = list(answers(crew, tasks(1, 2, 3, 4)))
    assert by_name(found) == {f"n={number}": (2 * number, None) for number in (1, 2, 3, 4)}
    assert sorted(crew.carried_out) == ["n=1", "n=2", "n=3", "n=4"]


def test_a_task_that_fails_or_ends_its_workers_leaves_the_others() -> None:
    found = by_name(list(answers(Crew({2: 99}), tasks(-1, 2, 3, 4))))
    assert found["n=-1"] == (None, "number=-1: expected 0 or more")
    assert found["n=3"] == (None, "its worker died, 2 times")
    assert [found["n=2"][0], found["n=4"][0]] == [4, 8]


def test_nothing_to_do_starts_nobody() -> None:
    assert list(answers(Crew(), [])) == []


def test_processes_of_this_machine_have_their_threads() -> None:
    crew = LocalCrew(1, 3)
    (answer,) = answers(crew, [Task("where", where, (0,))])
    process, count = answer.value
    assert (process != os.getpid(), count) == (True, 3)


def test_a_cluster_has_its_own_workers() -> None:
    with pytest.raises(ConfigError, match="with a scheduler the cluster has its own"):
        crew_of("tcp://127.0.0.1:1", 2)
