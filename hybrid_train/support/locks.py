"""One process at a time: a lock on a folder that the system gives back when its holder ends, however that comes."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path
from typing import final

from hybrid_train.errors import ConfigError
from hybrid_train.support.files import writing

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows
    fcntl = None  # type: ignore[assignment]

LOCK = ".lock"
_TRIES = 8


@final
class FolderLock:
    """Holds a folder for this process, from birth to :meth:`release`; no other process, nor thread, gets it meanwhile.

    It is a lock of the system on the file ``.lock`` (flock), so that a process that is killed leaves none behind.

    Args:
        folder: is there.
        named: the folder as messages name it.

    Raises:
        ConfigError: somebody else holds it.
        CheckpointError: the file cannot be made.
    """

    def __init__(self, folder: Path, named: str) -> None:
        self._path = folder / LOCK
        with writing(self._path):
            self._number = self._held(named)
            os.ftruncate(self._number, 0)
            os.write(self._number, f"{os.getpid()} {socket.gethostname()}\n".encode())

    def release(self, *, remove: bool = False) -> None:
        """Give the folder back; ``remove`` takes the file away."""
        if self._number < 0:
            return
        if remove:
            with contextlib.suppress(OSError):
                self._path.unlink()
        os.close(self._number)
        self._number = -1

    def _held(self, named: str) -> int:
        """Return the descriptor of the locked file, which is the one at the path still."""
        for _ in range(_TRIES):
            number = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
            try:
                if fcntl is not None:
                    fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.path.samestat(os.fstat(number), os.stat(self._path)):
                    return number
            except FileNotFoundError:  # its holder took it away meanwhile
                pass
            except BlockingIOError:
                holder = os.pread(number, 100, 0).split()
                os.close(number)
                who = f" (number {holder[0].decode(errors='replace')})" if holder and holder[0].isdigit() else ""
                raise ConfigError(
                    f"{named}: another process{who} writes there; wait until it has ended, or name another directory"
                ) from None
            except BaseException:
                os.close(number)
                raise
            os.close(number)
        raise ConfigError(f"{named}: another process begins there just now; name another directory")
