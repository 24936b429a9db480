"""How much memory a simulation may still take on this machine."""

from __future__ import annotations

import os
import resource
from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")


def available_bytes() -> int:
    """Return the least of what the machine, the control group and the process limits still allow."""
    return min(_machine(), _control_group(), _address_space())


def _machine() -> int:
    if _MEMINFO.exists():
        for line in _MEMINFO.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _control_group() -> int:
    """What is left below the limit of cgroup v2 or v1, without bound where there is none."""
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:
            return max(0, int((_CGROUP / limit).read_text()) - int((_CGROUP / used).read_text()))
        except (OSError, ValueError):
            continue
    return 1 << 62


def _address_space() -> int:
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return 1 << 62 if limit == resource.RLIM_INFINITY else limit
