"""The registered finders for people, read from a file: importing them takes a second and a half.

``catalogue.json`` is what :mod:`hybrid_train.finder.catalogue` finds, written down by
``python -m hybrid_train.finder.listing``. Where other distributions bring finders, all are looked up afresh.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from hybrid_train.support.registry import ENTRY_POINT_GROUP
from hybrid_train.support.text_table import aligned

WRITTEN_DOWN = Path(__file__).with_name("catalogue.json")

_WIDTH = 118
"""Characters of a line."""


def listed_finders() -> tuple[list[dict[str, Any]], list[str]]:
    """Return every registered finder as :func:`hybrid_train.finder.catalogue.known_finders` does, and notes."""
    if not entry_points(group=ENTRY_POINT_GROUP):
        return json.loads(WRITTEN_DOWN.read_text(encoding="utf-8")), []
    from hybrid_train.finder.catalogue import known_finders
    from hybrid_train.finder.registry import finders_passed_over

    return known_finders(), finders_passed_over()


def finders_text(finders: Sequence[Mapping[str, Any]]) -> str:
    """Return three tables: the finders with their promises, their options, and where they come from."""
    blocks = [_wrapped([("finder", "promise", "what it does"), *map(_about, finders)])]
    options = [
        (f"{finder['name']}.{name}", _default(option), " | ".join(map(str, option["choices"])))
        for finder in finders
        for name, option in finder.get("options", {}).items()
    ]
    if options:
        blocks.append(_wrapped([("option", "default", "choices"), *options]))
    sources = [(finder["name"], finder["source"]) for finder in finders if finder.get("source")]
    if sources:
        blocks.append(_wrapped([("finder", "source"), *sources]))
    return "\n\n".join(blocks)


def _about(finder: Mapping[str, Any]) -> tuple[str, str, str]:
    if "error" in finder:
        return finder["name"], "cannot be loaded", finder["error"]
    return finder["name"], finder["promise"] or "depends on its options", finder["summary"]


def _default(option: Mapping[str, Any]) -> str:
    if option["required"]:
        return "(to be given)"
    default = option["default"]
    if isinstance(default, bool):
        return str(default).lower()
    return "(by itself)" if default is None else str(default)


def _wrapped(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as a table whose last column is broken into lines."""
    taken = sum(max(map(len, column)) + 2 for column in list(zip(*rows, strict=True))[:-1])
    lines: list[list[str]] = []
    for *head, last in rows:
        parts = textwrap.wrap(last, max(30, _WIDTH - taken), break_on_hyphens=False) or [""]
        lines.append([*head, parts[0]])
        lines += [[*("" for _ in head), part] for part in parts[1:]]
    return aligned(lines, len(rows[0]))


if __name__ == "__main__":
    from hybrid_train.finder.catalogue import own_finders

    WRITTEN_DOWN.write_text(json.dumps(own_finders(), indent=1) + "\n", encoding="utf-8")
