"""How many processors this process may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from math import ceil
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
_OWN_GROUPS = Path("/proc/self/cgroup")
_VARIABLES = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS")


def usable_processors() -> int:
    """Return the least of the machine's processors, the affinity, the control groups' share and the user's wish.

    The wish is ``OMP_NUM_THREADS`` or ``NUMBA_NUM_THREADS``; one that is no number of at least 1 counts for nothing.
    """
    return max(1, min([_affinity(), _quota(), *_wishes()]))


def _affinity() -> int:
    if hasattr(os, "process_cpu_count"):  # from Python 3.13 on; python -X cpu_count counts there
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _wishes() -> Iterator[int]:
    for name in _VARIABLES:
        first = os.environ.get(name, "").split(",")[0].strip()  # OpenMP takes a list, one number a level
        if first.isdecimal() and int(first[:9]) > 0:
            yield int(first[:9])


@cache
def _quota() -> int:
    """Return the processors' worth of time that the control groups of this process allow, rounded up."""
    try:
        own = [line.split(":", 2) for line in _OWN_GROUPS.read_text(encoding="ascii").splitlines()]
    except (OSError, ValueError):
        own = []
    quotas: list[int] = []
    for _, controllers, path in [["0", "", "/"], ["1", "cpu", "/"], *(group for group in own if len(group) == 3)]:
        if controllers and "cpu" not in controllers.split(","):
            continue
        for folder in _folders(_CGROUP / "cpu" if controllers else _CGROUP, path):
            quotas += _shares(folder)
    return min(quotas, default=os.cpu_count() or 1)


def _folders(root: Path, path: str) -> Iterator[Path]:
    """Yield the folders of a control group and of those it is in, the root's included."""
    folder = root / path.strip("/")
    yield folder
    while folder != root and root in folder.parents:
        folder = folder.parent
        yield folder


def _shares(folder: Path) -> Iterator[int]:
    """Yield the limit of a group, in processors; version 2 has both numbers in a file, version 1 one in each."""
    for names in (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")):
        try:
            words = " ".join((folder / name).read_text(encoding="ascii") for name in names).split()
            quota, period = int(words[0]), int(words[1])
        except (OSError, ValueError, IndexError):
            continue
        if quota > 0 and period > 0:
            yield ceil(quota / period)
