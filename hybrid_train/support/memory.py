"""How much memory this process may still take."""

from __future__ import annotations

from pathlib import Path

import psutil

from hybrid_train.errors import ResourceError

_CGROUP = Path("/sys/fs/cgroup")
_UNBOUNDED = 1 << 62


def available_bytes() -> int:
    """Return the least of what the machine, the control group and the process limits still allow."""
    return min(_machine(), _control_group(), _address_space())


def check_memory(needed: float, what: str, advice: str) -> None:
    """Raise ResourceError if more bytes are needed than can be had.

    Args:
        needed: bytes.
        what: what takes them, for the message.
        advice: what to change.
    """
    available = available_bytes()
    if needed > available:
        figures = in_words(needed), in_words(available)
        if len({*figures}) == 1:
            figures = f"{needed:.0f} bytes", f"{available} bytes"
        raise ResourceError(f"{what}: needed {figures[0]}, available {figures[1]}; {advice}")


def in_words(count: float) -> str:
    """Return a number of bytes to three digits, with its unit."""
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return f"{count:.0f} bytes"


def _machine() -> int:
    return int(psutil.virtual_memory().available)


def _control_group() -> int:
    """What is left below the limit of cgroup v2 or v1, without bound where there is none."""
    for limit, used, details, reclaimable in (
        ("memory.max", "memory.current", "memory.stat", "inactive_file"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat", "total_inactive_file"),
    ):
        try:
            left = int((_CGROUP / limit).read_text(encoding="ascii")) - int((_CGROUP / used).read_text("ascii"))
        except (OSError, ValueError):
            continue
        return max(0, left + _counter(_CGROUP / details, reclaimable))
    return _UNBOUNDED


def _counter(path: Path, name: str) -> int:
    """Return a counter of a control group; cached file pages count as used, but the kernel gives them up on demand."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.split()[0] == name), 0)


def _address_space() -> int:
    try:
        import resource
    except ImportError:  # not on every system
        return _UNBOUNDED
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return _UNBOUNDED
    return max(0, limit - int(psutil.Process().memory_info().vms))
