"""What a worker does: one task, in so many threads."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

from hybrid_train.errors import is_interruption, one_line
from hybrid_train.support.parallel import one_blas_thread, threads


def start_worker() -> None:
    """Let Ctrl-C be the business of whoever started the workers, and leave when they are gone, killed for instance."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    starter = multiprocessing.parent_process()
    if starter is not None:
        threading.Thread(target=_leave_after, args=(starter,), daemon=True).start()


def _leave_after(starter: Any) -> None:
    starter.join()
    os._exit(1)


def carry_out(name: str, work: Callable[..., Any], args: tuple[Any, ...], count: int) -> dict[str, Any]:
    """Return the ``value`` that a task comes to, or the ``error`` it ends with, in a line.

    BLAS has one thread, since how it rounds may depend on their number.
    """
    try:
        with threads(count), one_blas_thread():
            return {"name": name, "value": work(*args)}
    except Exception as error:
        if is_interruption(error):
            raise
        return {"name": name, "error": one_line(error)}
