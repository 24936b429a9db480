"""Memory: how fast this machine moves it, which bounds whatever touches all of a large array, and the most it held."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numba
import numpy as np

SIZE, ROUNDS = 1 << 27, 5


@numba.njit(parallel=True, fastmath=True)
def _read(numbers: Any, parts: int) -> Any:
    total = np.float32(0)
    for part in numba.prange(parts):
        own = np.float32(0)
        for i in range(part * numbers.size // parts, (part + 1) * numbers.size // parts):
            own += numbers[i]
        total += own
    return total


@numba.njit(parallel=True)
def _rewrite(numbers: Any, parts: int) -> None:
    for part in numba.prange(parts):
        for i in range(part * numbers.size // parts, (part + 1) * numbers.size // parts):
            numbers[i] *= np.float32(0.5)


def seconds_per_byte(processors: int) -> tuple[float, float]:
    """Return the seconds that reading a byte takes, and reading and writing it, from memory on all processors."""
    numbers = np.ones(SIZE, np.float32)
    return _fastest(lambda: _read(numbers, processors)) / numbers.nbytes, _fastest(
        lambda: _rewrite(numbers, processors)
    ) / numbers.nbytes


def _fastest(work: Callable[[], Any]) -> float:
    work()
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def forget_peak() -> None:
    """Have :func:`peak` speak of what comes from now on, where the system can (Linux)."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak() -> float:
    """Return the most bytes that this process held at once since :func:`forget_peak`; NaN where nobody counts."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return 1024.0 * int(line.split()[1])
    return math.nan
