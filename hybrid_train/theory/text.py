"""The table for people."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from hybrid_train.support.text_table import aligned
from hybrid_train.theory.repeated import repeated_text

_HEADER = ["quantity", "source", "prediction", "predicted", "measured", "holds"]


def theory_text(document: Mapping[str, Any]) -> str:
    """Return the rows of ``hybrid-train theory`` as a table by section, reasons and remarks as footnotes."""
    marks: dict[str, str] = {}
    lines = [_HEADER]
    headings = {}
    for section, rows in groupby(document["rows"], key=lambda row: row["section"]):
        headings[len(lines)] = section
        lines += [_cells(row, marks) for row in rows]
    table = aligned(lines, len(_HEADER)).splitlines()
    text = [table[0]]
    for place, line in enumerate(table[1:], start=1):
        if place in headings:
            text += ["", headings[place]]
        text.append(line)
    repeated = document.get("repeated")
    if repeated:
        text += ["", *repeated_text(repeated).splitlines()]
    return "\n".join([*text, "", *(f"{mark} {reason}" for reason, mark in marks.items())])


def _cells(row: Mapping[str, Any], marks: dict[str, str]) -> list[str]:
    reasons = [*row["missing"], *([row["note"]] if row["note"] else [])]
    numbers = "".join(marks.setdefault(reason, f"[{len(marks) + 1}]") for reason in reasons)
    predicted = "-" if row["predicted"] is None else f"{row['relation']} {_number(row['predicted'])}".strip()
    measured = "-" if row["measured"] is None else _number(row["measured"])
    if row["spread"] is not None:
        measured += f" +- {row['spread']:.2g}"
    return [row["quantity"], row["source"], row["formula"], predicted, measured, f"{_holds(row)} {numbers}".strip()]


def _holds(row: Mapping[str, Any]) -> str:
    if row["holds"] != "not applicable" or row["satisfied"] is None:
        return str(row["holds"])
    return f"not applicable, {'satisfied' if row['satisfied'] else 'not satisfied'}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) < 1e9 else f"{value:.4g}"
