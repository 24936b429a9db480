"""Tables of a page: which columns a kind of document has, what they mean, and their cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from hybrid_train.report.page.glossary import MEANINGS
from hybrid_train.report.page.numbers import share_text, sort_value, value_text

Row = Mapping[str, Any]


@final
@dataclass(frozen=True)
class Cell:
    """What a reader sees, and what sorting goes by where that is a number."""

    text: str
    number: float | None = None


@final
@dataclass(frozen=True)
class Column:
    """A column of a table; ``numeric`` ones are flush right."""

    title: str
    meaning: str
    numeric: bool


@final
@dataclass(frozen=True)
class Table:
    """A table of a page.

    Attributes:
        name: unlike those of other tables of the page.
        title: what its rows are.
        columns: in order.
        rows: of cells.
        left_out: rows that did not fit.
        of: how many rows there are in all.
    """

    name: str
    title: str
    columns: list[Column]
    rows: list[list[Cell]]
    left_out: int = 0

    @property
    def of(self) -> int:
        """Return how many rows there are, shown or not."""
        return len(self.rows) + self.left_out


RUN_COLUMNS = {
    "finder": "finder",
    "index": "index",
    "promise": "promise",
    "recall": "recall",
    "final_loss": "final loss",
    "final_clean_loss": "clean loss",
    "returned_loss": "returned loss",
    "accuracy": "accuracy",
    "robust_accuracy": "robust accuracy",
    "held_out_loss": "held-out mean loss",
    "held_out_accuracy": "held-out accuracy",
    "held_out_r2": "held-out R²",
    "fired_per_datum": "fired/datum",
    "inner_products": "inner products",
    "nodes_visited": "nodes visited",
    "structure_updates": "structure updates",
    "oracle_calls": "oracle calls",
    "bit_oracle_uses": "bit-oracle uses",
    "verifications": "verifications",
    "measurements": "measurements",
    "controlled_calls": "controlled calls",
    "mid_measurements": "mid-circuit measurements",
    "finder_s": "finder [s]",
    "wall_s": "time [s]",
    "error": "error",
}
COUNT_COLUMNS = {
    "m": "m",
    "k": "k",
    "strategy": "strategy",
    "trials": "trials",
    "total_calls_mean": "oracle calls",
    "total_calls_sem": "± (standard error)",
    "predicted_total": "predicted",
    "reference_total": "known k",
    "scan": "scan",
    "paper_m_9_10": "m^(9/10)",
    "true_k_line": "sqrt(mk)",
    "missed": "missed",
}
ALONG_COLUMNS = {
    "step": "step",
    "strategy": "strategy",
    "queries": "queries",
    "active": "active",
    "newcomers": "newcomers",
    "oracle_calls": "oracle calls",
    "scan": "scan",
    "missed": "missed",
}
THEORY_COLUMNS = {
    "section": "part",
    "quantity": "quantity",
    "source": "source",
    "formula": "prediction",
    "relation": "is",
    "predicted": "predicted",
    "measured": "measured",
    "spread": "±",
    "holds": "holds",
    "remarks": "remarks",
}
REPEATED_COLUMNS = {
    "section": "part",
    "quantity": "quantity",
    "source": "source",
    "starts": "starts",
    "failed": "failed",
    "failure": "may fail with",
    "holds": "holds",
}
CROSSOVER_COLUMNS = {
    "strategy": "strategy",
    "rival": "cheaper than",
    "column": "counted in",
    "width": "from width m",
    "reason": "or why not",
}
PHYSICAL_COLUMNS = {
    "width": "m",
    "strategy": "strategy",
    "model": "qubits",
    "code_distance": "code distance",
    "physical_qubits": "physical qubits",
    "seconds": "a query [s]",
    "scan_seconds": "a scan [s]",
    "reason": "or why not",
}
REPRODUCE_COLUMNS = {
    "claim": "claim",
    "says": "what the paper says",
    "source": "source",
    "holds": "holds",
    "predicted": "predicted",
    "measured": "measured",
    "note": "remarks",
    "seconds": "seconds",
}
FIT_COLUMNS = {"strategy": "calls ~ m^e of", "exponent": "e", "exponent_sem": "± (standard error)"}

_SHARES = {"recall", "accuracy", "robust_accuracy", "held_out_accuracy"}
_IDLE = {
    *("bit_oracle_uses", "measurements", "controlled_calls", "verifications", "oracle_calls", "nodes_visited"),
    *("structure_updates", "mid_measurements"),
}
"""Counters that are left out where no row has used them."""


def table(name: str, title: str, rows: Sequence[Row], columns: Mapping[str, str], most: int) -> Table:
    """Return a table of the columns that some row has a value for.

    Args:
        name: of the table.
        title: what the rows are.
        rows: by key.
        columns: titles by key, in order.
        most: rows to show.
    """
    used = [key for key in columns if any(_used(row.get(key), key) for row in rows)]
    numeric = {key: any(sort_value(row.get(key)) is not None for row in rows) for key in used}
    shown = [[cell(row.get(key), key) for key in used] for row in rows[:most]]
    heads = [Column(columns[key], MEANINGS.get(key, ""), numeric[key]) for key in used]
    return Table(name, title, heads, shown, max(0, len(rows) - most))


def turned(name: str, title: str, row: Row, columns: Mapping[str, str]) -> Table:
    """Return one row as a table of quantities, with what each means."""
    used = [key for key in columns if _used(row.get(key), key)]
    heads = [Column("quantity", "", False), Column("value", "", True), Column("what it is", "", False)]
    rows = [[Cell(columns[key]), cell(row.get(key), key), Cell(MEANINGS.get(key, ""))] for key in used]
    return Table(name, title, heads, rows)


def cell(value: Any, key: str) -> Cell:
    """Return a value as a cell."""
    return Cell(share_text(value) if key in _SHARES else value_text(value), sort_value(value))


def _used(value: Any, key: str) -> bool:
    return value is not None and value != "" and not (key in _IDLE and value == 0)
