"""Using every core: compiled kernels run side by side in threads, matrix products in one thread each.

The BLAS library's own threads fight with ours, and with each other whenever the cores are busy: small products then
take many times as long. So a product is left to one thread, and the threads share out the blocks.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from functools import cache
from itertools import pairwise
from typing import Any, TypeVar

from threadpoolctl import ThreadpoolController

S = TypeVar("S")
T = TypeVar("T")


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
    if len(parts) <= 1:
        return [work(part) for part in parts]
    futures = [_pool(os.getpid()).submit(work, part) for part in parts[1:]]
    results = []
    try:
        results.append(work(parts[0]))
        mine = {at: work(parts[at + 1]) for at, future in enumerate(futures) if future.cancel()}
        results += [mine[at] if at in mine else future.result() for at, future in enumerate(futures)]
    finally:
        wait([future for future in futures if not future.cancel()])
    return results


def processors() -> int:
    """Return how many processors there are."""
    return os.cpu_count() or 1


@cache
def _pool(process: int) -> ThreadPoolExecutor:
    """Return the threads of this process; one that was forked has to start its own."""
    del process
    return ThreadPoolExecutor(max(1, processors() - 1))


def one_blas_thread() -> AbstractContextManager[Any]:
    """Return a context in which matrix products do not start threads of their own."""
    limiter: AbstractContextManager[Any] = _libraries().limit(limits=1, user_api="blas")
    return limiter


@cache
def _libraries() -> ThreadpoolController:
    """Look the loaded libraries up once: it takes milliseconds."""
    import numpy as np

    np.ones((2, 2)) @ np.ones((2, 2))  # the BLAS library has to be loaded to be found
    return ThreadpoolController()
