"""Claims on files that are being made, so that several processes do not make the same one side by side.

A claim saves work and decides nothing: where locks cannot be had, or whoever holds one takes too long, all go on.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import final

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows
    fcntl = None  # type: ignore[assignment]

_PATIENCE = 60.0
"""Seconds for which somebody else is waited for."""
_PAUSE = 0.02


@final
class Claims:
    """The files that this process is making."""

    def __init__(self) -> None:
        self._held: dict[Path, int] = {}

    def take(self, path: Path) -> bool:
        """Claim a file; return whether it was another process's meanwhile, so that it may be there by now.

        The system gives a claim back when its holder ends, however that comes (flock).
        """
        if fcntl is None or path in self._held:
            return False
        lock = path.with_name(f"{path.name}.lock")
        waited, until = False, time.monotonic() + _PATIENCE
        with suppress(OSError):
            lock.parent.mkdir(parents=True, exist_ok=True)
            number = os.open(lock, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
            self._held[path] = number
            while time.monotonic() < until:
                try:
                    fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    waited = True
                    time.sleep(_PAUSE)
                else:
                    break
        return waited

    def give(self, path: Path) -> None:
        """Give a claim back, if there is one."""
        number = self._held.pop(path, None)
        if number is not None:
            with suppress(OSError):
                path.with_name(f"{path.name}.lock").unlink()
            os.close(number)
