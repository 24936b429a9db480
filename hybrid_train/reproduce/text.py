"""The table of claims for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def reproduction_text(document: Mapping[str, Any]) -> str:
    """Return the rows of ``hybrid-train reproduce``, a paragraph for each claim."""
    blocks = []
    for row in document["rows"]:
        lines = [f"{row['holds'].upper()}  {row['claim']}: {row['says']} ({row['source']})"]
        for title, key in (("predicted", "predicted"), ("measured", "measured"), ("note", "note")):
            if row.get(key):
                lines.append(f"  {title + ':':<11}{row[key]}")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)
