"""Using every core: compiled kernels run side by side in threads, matrix products in one thread each.

The BLAS library's own threads fight with ours, and with each other whenever the cores are busy: small products then
take many times as long. So a product is left to one thread, and the threads share out the blocks.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any, Literal, TypeVar, final

from threadpoolctl import ThreadpoolController

from hybrid_train.support.processors import usable_processors

S = TypeVar("S")
T = TypeVar("T")

_AGE_BITS = 28
"""What may be used is asked again after 2^28 nanoseconds, a quarter of a second."""

_threads: ContextVar[int | None] = ContextVar("threads", default=None)


@contextmanager
def threads(count: int | Literal["auto"]) -> Iterator[None]:
    """Let what runs inside, and the threads it starts, use so many threads at once; no result depends on it.

    Runs side by side in threads of the caller's keep their own count each. The BLAS library is left to its own: how it
    rounds may depend on its threads.

    Args:
        count: at least 1; "auto" for as many processors as this process may use.
    """
    token = _threads.set(None if count == "auto" else count)
    try:
        yield
    finally:
        _threads.reset(token)


def processors() -> int:
    """Return how many threads may work at once: those of :func:`threads`, or the processors this process may use."""
    return _threads.get() or _usable(usable_processors, time.monotonic_ns() >> _AGE_BITS)


@lru_cache(1)
def _usable(count: Callable[[], int], age: int) -> int:
    """Ask how many processors there are, once in a while: short steps would notice."""
    del age
    return count()


def in_threads(work: Callable[[int, int], T], size: int, share: int) -> list[T]:
    """Call ``work(first, last)`` on consecutive ranges that make up [0, size), side by side.

    Args:
        work: must release the GIL to gain anything; its calls must not write to the same place.
        size: how many things there are to do.
        share: how many are worth waking a thread for.

    Returns:
        The results in order of the ranges; at least one, even for nothing to do.
    """
    bounds = ranges(size, min(processors(), size // share))
    return side_by_side(lambda part: work(*part), bounds)


def ranges(size: int, count: int) -> list[tuple[int, int]]:
    """Return ``count`` (at least one) consecutive ranges (first, last), nearly equally long, that make up [0, size)."""
    bounds = [size * part // max(1, count) for part in range(max(1, count) + 1)]
    return list(pairwise(bounds))


def side_by_side(work: Callable[[S], T], parts: Sequence[S]) -> list[T]:
    """Call ``work`` on every part, in this thread and in threads that are kept from call to call.

    A part that no other thread has begun is done in this one. So a call never waits for anything but work that runs:
    calls may be nested, come from several threads, or from a child that was forked.

    Args:
        work: must release the GIL to gain anything; its calls must not write to the same place.
        parts: handed out in order, to whoever is free.

    Returns:
        The results in the order of the parts.
    """
    others = processors() - 1
    if len(parts) <= 1 or others < 1:
        return [work(part) for part in parts]
    pool = _pool(os.getpid(), others)
    futures = [pool.submit(copy_context().run, work, part) for part in parts[1:]]
    results = []
    try:
        results.append(work(parts[0]))
        mine = {at: work(parts[at + 1]) for at, future in enumerate(futures) if future.cancel()}
        results += [mine[at] if at in mine else future.result() for at, future in enumerate(futures)]
    finally:
        wait([future for future in futures if not future.cancel()])
    return results


@cache
def _pool(process: int, workers: int) -> ThreadPoolExecutor:
    """Return the threads of this process; one that was forked has to start its own."""
    del process
    return ThreadPoolExecutor(workers)


@final
class _OneThread:
    """Counts who wants products in one thread: the library's own number comes back when the last one leaves."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._own = threading.local()
        self._before: list[int] = []

    def enter(self) -> None:
        with self._lock:
            if not self._users:
                self._before = [library.num_threads for library in _libraries()]
                self._set([1] * len(self._before))
            self._users += 1
        self._own.users = getattr(self._own, "users", 0) + 1

    def leave(self) -> None:
        self._own.users -= 1
        with self._lock:
            self._users -= 1
            if not self._users:
                self._set(self._before)

    def forked(self) -> None:
        """Go on in a child, where no thread is left but the one that forked."""
        self._lock = threading.Lock()
        others, self._users = self._users, getattr(self._own, "users", 0)
        if others and not self._users:
            self._set(self._before)

    def _set(self, counts: Sequence[int]) -> None:
        if all(count == 1 for count in self._before):
            return
        for library, count in zip(_libraries(), counts, strict=True):
            # From its version 3.8 on threadpoolctl heeds one thread alone; ours take turns, so it may be this one.
            if hasattr(library, "clear_controlling_thread"):
                library.clear_controlling_thread(force=True)
            library.set_num_threads(count)
            if hasattr(library, "clear_controlling_thread"):
                library.clear_controlling_thread(force=True)


_one_thread = _OneThread()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_one_thread.forked)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Return a context in which matrix products do not start threads of their own, in no thread of the process.

    The library's threads turn idly for a tenth of a second after a product, waiting for the next: whatever is done in
    threads of ours shortly after a product outside such a context has a processor less.
    """
    _one_thread.enter()
    try:
        yield
    finally:
        _one_thread.leave()


def of_each(work: Callable[[S], T], things: Sequence[S]) -> list[T]:
    """Return what ``work`` makes of each thing, in their order: consecutive ones in a thread, products in one each."""

    def some(first: int, last: int) -> list[T]:
        return [work(thing) for thing in things[first:last]]

    with one_blas_thread():
        return [answer for part in in_threads(some, len(things), 1) for answer in part]


@cache
def _libraries() -> list[Any]:
    """Look the loaded BLAS libraries up once: it takes milliseconds."""
    import numpy as np

    np.ones((2, 2)) @ np.ones((2, 2))  # the library has to be loaded to be found
    return list(ThreadpoolController().select(user_api="blas").lib_controllers)
