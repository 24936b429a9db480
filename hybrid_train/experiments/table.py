"""Results as text for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hybrid_train.experiments.quality import quality_text
from hybrid_train.support.text_table import aligned

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
    "robust_accuracy": "training robust accuracy",
    "accuracy": "training clean accuracy",
}
"""Columns that an adversary brings, in the place of the final loss."""

_HELD_OUT = {
    "held_out_loss": "mean loss",
    "held_out_accuracy": "accuracy",
    "held_out_r2": "R^2",
}
"""Columns that held-out data bring, behind those of the training data, without saying of what."""

_WORDS = ("finder", "index", "promise")


def comparison_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows of a comparison as an aligned table, one line each."""
    columns = columns_of(rows)
    return aligned([list(columns.values()), *([cell(row, name) for name in columns] for row in rows)], len(_WORDS))


def columns_quality(rows: Sequence[Mapping[str, Any]], flags: Mapping[str, str]) -> str:
    """Return in one line how good the columns of :func:`comparison_text` are.

    Args:
        rows: of a comparison.
        flags: of its document, by the paths of its numbers.
    """
    columns = columns_of(rows).items()
    return quality_text({title: flags[f"rows[].{name}"] for name, title in columns if f"rows[].{name}" in flags})


def columns_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the title of each column that these rows call for: how training ended, in words that fit, and costs."""
    columns: dict[str, str] = {}
    for name, title in _COLUMNS.items():
        columns |= _outcome(rows) if name == "final_loss" else {name: title}
        if name == "nodes_visited" and any(row.get("structure_updates") for row in rows):
            columns["structure_updates"] = "structure updates"
    return columns


def _outcome(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the columns that say how training ended: the losses and accuracies there are."""
    if any("robust_accuracy" in row for row in rows):
        columns, clean = dict(_ROBUST), "clean "
    else:
        columns, clean = {"final_loss": _COLUMNS["final_loss"]}, ""
        if any(row.get("returned_loss") != row.get("final_loss") for row in rows):
            columns["returned_loss"] = "returned loss"
        if any(row.get("accuracy") is not None for row in rows):
            of = next((row["accuracy_of"] for row in rows if row.get("accuracy_of")), "training data")
            columns["accuracy"] = f"{of.removesuffix(' data')} accuracy"
    return columns | {
        name: f"held-out {clean}{title}"
        for name, title in _HELD_OUT.items()
        if any(row.get(name) is not None for row in rows)
    }


def cell(row: Mapping[str, Any], name: str) -> str:
    """Return one value of a row as text; "failed" for the loss of a run that failed, "-" for what it has not."""
    value = row.get(name)
    if name == "final_loss" and "error" in row:
        return "failed"
    if value is None:
        return "-"
    if name == "recall":
        # Never round a missed neuron away.
        return "1" if value == 1 else f"{min(value, 0.999999):.6f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
