"""Threads share work out without losing or repeating any."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_limits

from hybrid_train.support import parallel
from hybrid_train.support.parallel import in_threads, one_blas_thread, processors, side_by_side, threads
from hybrid_train.support.processors import usable_processors


@pytest.mark.parametrize("count", [1, 2, 5])
def test_ranges_of_threads_cover_everything_once(count: int) -> None:
    for size in (0, 1, 7, 8, 9, 100):
        with threads(count):
            parts = in_threads(lambda first, last: list(range(first, last)), size, 4)
        assert [i for part in parts for i in part] == list(range(size))
        assert len(parts) == max(1, min(count, size // 4))


def test_an_error_in_a_thread_comes_out() -> None:
    def fail(first: int, last: int) -> None:
        if first:
            raise OSError("gone")

    with threads(2), pytest.raises(OSError, match="gone"):
        in_threads(fail, 10, 1)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_no_more_threads_work_at_once_than_allowed(count: int) -> None:
    busy, most, lock = 0, 0, threading.Lock()

    def work(_: int) -> int:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        time.sleep(0.01)
        with lock:
            busy -= 1
        return processors()

    with threads(count):
        assert side_by_side(work, range(12)) == [count] * 12  # the helpers know how many there are
    assert most == count


def test_threads_of_the_caller_keep_their_own_count() -> None:
    barrier = threading.Barrier(3, timeout=10)

    def within(count: int) -> None:
        with threads(count):
            barrier.wait()
            found[count] = (processors(), side_by_side(lambda _: processors(), range(8)))
            barrier.wait()

    found: dict[int, tuple[int, list[int]]] = {}
    callers = [threading.Thread(target=within, args=(count,)) for count in (1, 2, 5)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(10)
    assert found == {count: (count, [count] * 8) for count in (1, 2, 5)}
    assert processors() == usable_processors()


def test_the_count_ends_with_its_block_and_the_inner_one_wins() -> None:
    with threads(3):
        with threads("auto"):
            assert processors() == usable_processors()
        with pytest.raises(OSError, match="gone"), threads(2):
            raise OSError("gone")
        assert processors() == 3
    assert processors() == usable_processors()


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
    with threads(2):
        side_by_side(lambda part: part, range(4))  # the parent's threads exist
        child = os.fork()
        if child == 0:
            os._exit(0 if side_by_side(lambda part: part * part, range(4)) == [0, 1, 4, 9] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def blas_threads() -> set[int]:
    """Return how many threads the libraries take that can take several; the one inside Aer cannot."""
    several = [one for one in parallel._libraries() if getattr(one, "threading_layer", "") != "disabled"]
    return {library.num_threads for library in several}


@pytest.fixture
def two_blas_threads() -> Iterator[None]:
    """Products in two threads, whatever the machine has."""
    blas_threads()
    with threadpool_limits(2, user_api="blas"):
        assert blas_threads() == {2}
        yield


@pytest.mark.usefixtures("two_blas_threads")
def test_products_keep_to_one_thread_inside() -> None:
    with one_blas_thread():
        with one_blas_thread():
            assert blas_threads() == {1}
        assert blas_threads() == {1}
        with pytest.raises(OSError, match="gone"), one_blas_thread():
            raise OSError("gone")
        assert blas_threads() == {1}
    assert blas_threads() == {2}


@pytest.mark.usefixtures("two_blas_threads")
def test_products_have_their_threads_back_when_the_last_caller_leaves() -> None:
    entered, left = threading.Event(), threading.Event()

    def first_in_first_out() -> None:
        with one_blas_thread():
            entered.set()
            second.wait(10)
        left.set()

    second = threading.Event()
    caller = threading.Thread(target=first_in_first_out)
    caller.start()
    assert entered.wait(10)
    with one_blas_thread():
        second.set()
        assert left.wait(10)
        assert blas_threads() == {1}
    caller.join(10)
    assert blas_threads() == {2}


@pytest.mark.usefixtures("two_blas_threads")
def test_a_forked_child_counts_only_its_own_callers() -> None:
    inside, done = threading.Event(), threading.Event()

    def other() -> None:
        with one_blas_thread():
            inside.set()
            done.wait(10)

    caller = threading.Thread(target=other)
    caller.start()
    assert inside.wait(10)
    child = os.fork()
    if child == 0:
        with one_blas_thread():
            within = blas_threads()
        os._exit(0 if (within, blas_threads()) == ({1}, {2}) else 1)
    done.set()
    caller.join(10)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
