"""Results as text for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import PydanticUndefined

from hybrid_train.errors import ConfigError
from hybrid_train.registry import finder_class, finder_kinds, finder_options, make_finder

_COLUMNS = {
    "finder": "finder",
    "index": "index",
    "promise": "promise",
    "recall": "recall",
    "final_loss": "final loss",
    "fired_per_datum": "fired/datum",
    "inner_products": "inner products",
    "nodes_visited": "nodes visited",
    "oracle_calls": "oracle calls",
    "verifications": "verifications",
    "wall_s": "time [s]",
}
_ROBUST = {
    "final_loss": "robust loss",
    "final_clean_loss": "clean loss",
    "robust_accuracy": "robust accuracy",
    "accuracy": "clean accuracy",
}
"""Columns that an adversary brings, in the place of the final loss."""

_WORDS = ("finder", "index", "promise")


def comparison_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows of a comparison as an aligned table, one line each."""
    columns: dict[str, str] = {}
    for name, title in _COLUMNS.items():
        columns |= _outcome(rows) if name == "final_loss" else {name: title}
    return aligned([list(columns.values()), *([_cell(row, name) for name in columns] for row in rows)], len(_WORDS))


def _outcome(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the columns that say how training ended: the losses and accuracies there are."""
    if any("robust_accuracy" in row for row in rows):
        return _ROBUST
    columns = {"final_loss": _COLUMNS["final_loss"]}
    if any(row.get("returned_loss") != row["final_loss"] for row in rows):
        columns["returned_loss"] = "returned loss"
    if any(row.get("accuracy") is not None for row in rows):
        columns["accuracy"] = "accuracy"
    return columns


def known_finders() -> list[dict[str, Any]]:
    """Return every registered finder: name, promise, source, options with defaults.

    One that cannot be loaded has an ``error`` and nothing else; options that only Python can give are left out.
    """
    return [_known_finder(kind, place) for kind, place in finder_kinds().items()]


def finder_text(finders: Sequence[Mapping[str, Any]]) -> str:
    """Return :func:`known_finders` for people."""
    blocks = []
    for finder in finders:
        lines = [f"{finder['name']}: {finder.get('promise') or 'promise depends on its options'}"]
        if "error" in finder:
            lines = [f"{finder['name']}: cannot be loaded: {finder['error']}"]
        if finder.get("source"):
            lines.append(f"  {finder['source']}")
        lines += [f"  {name} = {option['text']}" for name, option in finder.get("options", {}).items()]
        blocks.append("\n".join(lines))
    return "\n".join(blocks)


def _known_finder(kind: str, place: str) -> dict[str, Any]:
    try:
        fields = finder_options(kind).model_fields
        cls = finder_class(kind)
    except Exception as error:  # a plug-in may fail in any way while it is imported
        text = str(error) if isinstance(error, ConfigError) else f"{type(error).__name__}: {error}"
        return {"name": kind, "class": place, "error": " ".join(text.split())}
    options = {name: _option(field) for name, field in fields.items() if field.annotation is not Any}
    try:
        promise = str(make_finder(kind).promise)
    except ConfigError:
        promise = None
    return {"name": kind, "class": place, "promise": promise, "source": cls.source, "options": options}


def _option(field: Any) -> dict[str, Any]:
    """Return an option's default and a line about it."""
    kind = getattr(field.annotation, "__name__", "")
    choices = list(getattr(field.annotation, "__args__", ())) if kind == "Literal" else []
    if field.default is PydanticUndefined:
        return {"required": True, "choices": choices, "text": "(to be given)"}
    shown = f"{field.default!r}" if field.default is not None else "(by itself)"
    text = f"{shown}, one of {', '.join(map(repr, choices))}" if choices else shown
    return {"required": False, "default": field.default, "choices": choices, "text": text}


def _cell(row: Mapping[str, Any], name: str) -> str:
    value = row[name] if name in _COLUMNS else row.get(name)
    if name == "final_loss" and "error" in row:
        return "failed"
    if value is None:
        return "-"
    if name == "recall":
        # Never round a missed neuron away.
        return "1" if value == 1 else f"{min(value, 0.999999):.6f}"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def aligned(lines: Sequence[Sequence[str]], words: int) -> str:
    """Return a table as text: the first ``words`` columns flush left, the others, numbers, flush right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place < words else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
