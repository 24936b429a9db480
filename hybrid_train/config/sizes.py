"""Will it fit? Asked before anything is computed."""

from __future__ import annotations

from pathlib import Path

from hybrid_train.errors import ResourceError

_CGROUP = Path("/sys/fs/cgroup")
_BYTES_PER_PAIR = 80
"""Peak of an active pair: two index arrays and the value, in both storage orders while one becomes the other."""


def available_memory() -> int | None:
    """Return the bytes this process may still take, by the machine, its control group and its limits.

    None where the system does not say.
    """
    limits = [_machine_free(), _cgroup_free(), _limit_free()]
    return min((limit for limit in limits if limit is not None), default=None)


def check_memory(needed: float, what: str, advice: str) -> None:
    """Raise ResourceError if ``needed`` bytes are more than can be had.

    Args:
        needed: bytes.
        what: what takes them, for the message.
        advice: what to change.
    """
    available = available_memory()
    if available is not None and needed > available:
        raise ResourceError(f"{what}: needed {_size(needed)}, available {_size(available)}; {advice}")


def check_inputs(n: int, dimension: int) -> None:
    """Raise ResourceError if n inputs of this dimension, and one working copy of them, do not fit."""
    check_memory(2.0 * 8 * n * dimension, f"data.n={n} inputs of dimension {dimension}", "take a smaller data.n")


def check_network(width: int, dimension: int, outputs: int, expected_pairs: float) -> None:
    """Raise ResourceError if dense weights and the active pairs do not fit.

    Args:
        width: m.
        dimension: d.
        outputs: K.
        expected_pairs: active (datum, neuron) pairs expected at the start.
    """
    # The weights, the draw they come from, and a finder's own arrangement of them.
    weights = 8.0 * width * (3 * dimension + outputs)
    pairs = _BYTES_PER_PAIR * expected_pairs
    check_memory(
        weights + pairs,
        f"network.width={width}, dimension {dimension}: weights, a finder's copies ({_size(weights)}) and "
        f"{expected_pairs:.3g} active pairs ({_size(pairs)})",
        "take a smaller network.width" + (" or a higher network.threshold" if pairs > weights else ""),
    )


def _size(count: float) -> str:
    return f"{count / 2**30:.3g} GiB" if count >= 2**30 else f"{count / 2**20:.3g} MiB"


def _machine_free() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    free = (line.split()[1] for line in lines if line.startswith("MemAvailable:"))
    return next((int(kib) * 1024 for kib in free), None)


def _cgroup_free() -> int | None:
    try:
        limit = (_CGROUP / "memory.max").read_text(encoding="ascii").strip()
        used = int((_CGROUP / "memory.current").read_text(encoding="ascii"))
        stat = dict(line.split() for line in (_CGROUP / "memory.stat").read_text(encoding="ascii").splitlines())
    except (OSError, ValueError):
        return None
    # Cached file pages count as used, but the kernel gives them up on demand.
    return int(limit) - used + int(stat.get("inactive_file", 0)) if limit.isdigit() else None


def _limit_free() -> int | None:
    try:
        import resource
    except ImportError:
        return None
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return None
    try:
        used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    except OSError:
        used = 0
    return limit - used
