"""The results of a sweep as one table: Parquet where pyarrow is, else CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hybrid_train.experiments.document import versions
from hybrid_train.experiments.table import cell, columns_of
from hybrid_train.support.files import json_text, remove_file, replacing, write_text
from hybrid_train.support.text_table import aligned
from hybrid_train.sweeps.plan import SEED, Planned

_UNASKED = ("index", "promise", "recall", "fired_per_datum", "verifications")
"""Columns of a comparison that the table of a sweep goes without, to leave room for the grid; the file has them."""

PARQUET, CSV = "table.parquet", "table.csv"


def summary_row(one: Planned, found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the table says of a run: its place in the grid, then all single values of its row."""
    row: dict[str, Any] = {"id": one.identity, **one.values, SEED: one.seed}
    if "error" in found:
        return row | {"error": found["error"]}
    clock = found["clock"]
    whole = {**clock.get("row", found["result"]["row"]), **{key: clock[key] for key in ("finder_s", "wall_s")}}
    return row | {key: value for key, value in whole.items() if not isinstance(value, list | dict)}


def write_table(directory: Path, plan: Sequence[Planned], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Write the table; return a note where it is not Parquet."""
    ours = {f"version.{name}": version for name, version in versions().items()}
    whole = [{**row, "config": json_text(one.config.as_dict()), **ours} for one, row in zip(plan, rows, strict=True)]
    names = list(dict.fromkeys(key for row in whole for key in row))
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError:
        text = io.StringIO()
        writer = csv.DictWriter(text, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(whole)
        write_text(directory / CSV, text.getvalue())
        return [f"the table is {CSV}, as pyarrow is not installed; pip install 'hybrid-train[sweep]' brings it"]
    columns = {name: _column([row.get(name) for row in whole]) for name in names}
    with replacing(directory / PARQUET) as partial:
        parquet.write_table(arrow.table(columns), partial)
    remove_file(directory / CSV)
    return []


def sweep_text(document: Mapping[str, Any]) -> str:
    """Return the rows for people."""
    rows, grid = document["rows"], document["grid"]
    titles = {key: key for key in (*grid, SEED)}
    titles |= {name: title for name, title in columns_of(rows).items() if name not in _UNASKED}
    return aligned([list(titles.values()), *([cell(row, name) for name in titles] for row in rows)], 0)


def _column(values: list[Any]) -> list[Any]:
    """Return a column of one kind: numbers where all are, else words."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int} and all(value is None or abs(value) < 1 << 63 for value in values):
        return values
    if kinds <= {int, float}:
        return [None if value is None else float(value) for value in values]
    return values if len(kinds) == 1 else [None if value is None else str(value) for value in values]
