"""Using every core: compiled kernels run side by side in threads, matrix products in one thread each.

The BLAS library's own threads fight with ours, and with each other whenever the cores are busy: small products then
take many times as long. So a product is left to one thread, and the threads share out the blocks.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import cache
from typing import Any, TypeVar

from threadpoolctl import ThreadpoolController

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
    threads = max(1, min(os.cpu_count() or 1, size // share))
    bounds = [size * part // threads for part in range(threads + 1)]
    if threads == 1:
        return [work(0, size)]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, bounds[:-1], bounds[1:]))


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
