"""Threads share work out without losing or repeating any."""

from __future__ import annotations

import os
import threading
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from hybrid_train.support.parallel import in_threads, one_blas_thread, side_by_side


@pytest.mark.parametrize("processors", [1, 2, 5])
def test_ranges_of_threads_cover_everything_once(processors: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    for size in (0, 1, 7, 8, 9, 100):
        parts = in_threads(lambda first, last: list(range(first, last)), size, 4)
        assert [i for part in parts for i in part] == list(range(size))
        assert len(parts) == max(1, min(processors, size // 4))


def test_an_error_in_a_thread_comes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)

    def fail(first: int, last: int) -> None:
        if first:
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        in_threads(fail, 10, 1)


@pytest.mark.parametrize("failing", [{0}, {3}, {0, 3}, {1, 2, 3}])
def test_the_first_error_comes_out_once_nothing_runs_any_more(failing: set[int]) -> None:
    running: set[int] = set()

    def work(part: int) -> None:
        running.add(part)
        try:
            time.sleep(0.002)
            if part in failing:
                raise OSError(part)
        finally:
            running.discard(part)

    with pytest.raises(OSError, match=r"[0-3]"):
        side_by_side(work, range(4))
    assert not running


def test_nested_calls_end_and_keep_their_order() -> None:
    def tree(depth: int) -> list[int]:
        return (
            [0] if depth == 0 else [leaf for part in side_by_side(lambda _: tree(depth - 1), range(5)) for leaf in part]
        )

    assert tree(4) == [0] * 5**4
    assert side_by_side(lambda part: side_by_side(lambda other: (part, other), range(7)), range(7)) == [
        [(part, other) for other in range(7)] for part in range(7)
    ]


def test_calls_from_several_threads_do_not_wait_for_each_other() -> None:
    barrier = threading.Barrier(6, timeout=10)  # more callers than threads that are kept

    def call(caller: int) -> None:
        barrier.wait()
        for _ in range(50):
            done = side_by_side(lambda part: (caller, part), range(4))
            answers[caller] = answers.get(caller, True) and done == [(caller, part) for part in range(4)]

    answers: dict[int, bool] = {}
    callers = [threading.Thread(target=call, args=(caller,)) for caller in range(6)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(10)
    assert answers == dict.fromkeys(range(6), True)


def test_a_forked_child_starts_threads_of_its_own() -> None:
    side_by_side(lambda part: part, range(4))  # the parent's threads exist
    child = os.fork()
    if child == 0:
        os._exit(0 if side_by_side(lambda part: part * part, range(4)) == [0, 1, 4, 9] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_products_keep_to_one_thread_inside() -> None:
    def blas_threads() -> set[int]:
        return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}

    np.ones((2, 2)) @ np.ones((2, 2))
    before = blas_threads()
    with one_blas_thread():
        assert blas_threads() == {1}
    assert blas_threads() == before
