"""Files with one JSON record a line: a last line that was torn is forgiven, a bad one before it is not."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from hybrid_train.errors import CheckpointError
from hybrid_train.support.messages import printable
from hybrid_train.support.untrusted import GIB, memory_limit, read_bytes, reading

_LARGEST = GIB
_GROWTH = 8
"""Memory that reading JSON takes, in sizes of the file."""


def read_records(path: Path) -> tuple[list[dict[str, Any]], int]:
    """Return the records of a file, and the bytes they take: a torn last line is left out.

    Raises:
        CheckpointError: unreadable, or another line is damaged; the line is named.
    """
    name = printable(os.fspath(path))
    with reading(name, CheckpointError):
        data = read_bytes(path, memory_limit(_LARGEST, _GROWTH))
    records: list[dict[str, Any]] = []
    good = at = 0
    lines = data.split(b"\n")
    while lines and not lines[-1]:
        lines.pop()
    for number, line in enumerate(lines, start=1):
        at += len(line) + 1
        record = _record(line)
        if record is None or (number == len(lines) and at > len(data)):
            if number < len(lines):
                raise CheckpointError(f"{name}: line {number} is damaged; restore the file from a copy or run again")
            break
        records.append(record)
        good = at
    return records, good


def _record(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):  # no JSON, an integer of thousands of digits, or nested as deeply
        return None
    return record if isinstance(record, dict) else None
