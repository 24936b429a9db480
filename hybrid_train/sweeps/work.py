"""What a worker does: one run of one config, in so many threads."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
from typing import Any

CLOCKED = ("finder_s", "wall_s")
"""Keys of a row that the clock decides."""


def start_worker() -> None:
    """Let Ctrl-C be the business of whoever started the workers, and leave when they are gone, killed for instance."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    starter = multiprocessing.parent_process()
    if starter is not None:
        threading.Thread(target=_leave_after, args=(starter,), daemon=True).start()


def _leave_after(starter: Any) -> None:
    starter.join()
    os._exit(1)


def work(identity: str, tables: dict[str, Any], threads: int) -> dict[str, Any]:
    """Train as a config says; return ``id``, ``result`` and ``clock``, or ``id`` and why it failed.

    BLAS has one thread, since how it rounds may depend on their number.
    """
    from hybrid_train.errors import is_interruption
    from hybrid_train.experiments.attempt import one_line
    from hybrid_train.experiments.runs import run
    from hybrid_train.support.files import json_text
    from hybrid_train.support.parallel import one_blas_thread

    tables = {**tables, "run": {**tables.get("run", {}), "threads": threads}}
    try:
        with one_blas_thread():
            document = json.loads(json_text(run(tables).document()))
    except Exception as error:
        if is_interruption(error):
            raise
        return {"id": identity, "error": one_line(error)}
    row = dict(document["rows"][0])
    clock: dict[str, Any] = {key: row.pop(key) for key in CLOCKED} | {"worker": os.getpid(), "threads": threads}
    if row["finder"] == "auto":  # it goes by the clock, and so do its counters
        clock["row"] = row
        row = {key: row[key] for key in ("finder", "index", "losses", "final_loss", "steps")}
    document["config"]["run"].pop("threads")
    result = {"id": identity, "config": document["config"], "row": row, "notes": document["notes"]}
    return {"id": identity, "result": result, "clock": clock}
