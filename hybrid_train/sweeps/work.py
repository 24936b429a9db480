"""What a worker does: one run of one config."""

from __future__ import annotations

import json
import os
from typing import Any

from hybrid_train.errors import is_interruption, one_line
from hybrid_train.experiments.runs import run
from hybrid_train.support.files import json_text
from hybrid_train.support.parallel import processors

CLOCKED = ("finder_s", "wall_s")
"""Keys of a row that the clock decides."""


def work(identity: str, tables: dict[str, Any]) -> dict[str, Any]:
    """Train as a config says, in the threads given; return ``id``, ``result`` and ``clock``, or why it failed."""
    count = processors()
    tables = {**tables, "run": {**tables.get("run", {}), "threads": count}}
    try:
        document = json.loads(json_text(run(tables).document()))
    except Exception as error:
        if is_interruption(error):
            raise
        return {"id": identity, "error": one_line(error)}
    row = dict(document["rows"][0])
    clock: dict[str, Any] = {key: row.pop(key) for key in CLOCKED} | {"worker": os.getpid(), "threads": count}
    if row["finder"] == "auto":  # it goes by the clock, and so do its counters
        clock["row"] = row
        row = {key: row[key] for key in ("finder", "index", "losses", "final_loss", "steps")}
    document["config"]["run"].pop("threads")
    result = {"id": identity, "config": document["config"], "row": row, "notes": document["notes"]}
    return {"id": identity, "result": result, "clock": clock}
