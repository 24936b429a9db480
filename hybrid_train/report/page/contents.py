"""What the page of each kind of document says: headline, facts, what was asked, notes, tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hybrid_train.report.page.numbers import cut, share_text, value_text
from hybrid_train.report.page.subject import Subject
from hybrid_train.report.page.tables import (
    ALONG_COLUMNS,
    COUNT_COLUMNS,
    CROSSOVER_COLUMNS,
    FIT_COLUMNS,
    PHYSICAL_COLUMNS,
    REPEATED_COLUMNS,
    REPRODUCE_COLUMNS,
    RUN_COLUMNS,
    THEORY_COLUMNS,
    Table,
    table,
    turned,
)

Row = dict[str, Any]

_MOST_NOTES, _LONGEST_NOTE = 60, 400
_MOST_KEYS = 120

_LEADS = {
    "run": "One training run",
    "compare": "Comparison of finders: same data, same start",
    "count": "Oracle calls of quantum searches, counted",
    "count --along": "Oracle calls along a training run",
    "theory": "Theory beside measurement",
    "crossover": "From what width a quantum search is cheaper",
    "sweep": "A sweep of training runs",
    "reproduce": "A paper's claims, measured",
}
_STATUSES = {
    "done": "complete",
    "running": "not complete: still running, or broken off without a word",
    "stopped": "not complete: stopped by a signal",
    "failed": "not complete: failed",
}


_SWEPT = "as the grid says"
"""Stands for the value of a key that differs from run to run of a sweep."""


def headline(subject: Subject) -> dict[str, str]:
    """Return the title of the page, what it is about, and whether the work came to its end."""
    lead = _LEADS.get(subject.command, f"hybrid-train {cut(subject.command, 40)}")
    status = str(subject.document.get("status", "done"))
    error = subject.document.get("error")
    told = _STATUSES.get(status, cut(status, 80)) + (f" ({cut(str(error), _LONGEST_NOTE)})" if error else "")
    return {"lead": lead, "name": cut(subject.name, 120), "status": told, "whole": "yes" if status == "done" else ""}


def facts(subject: Subject) -> list[tuple[str, str]]:
    """Return the few numbers that a reader looks for first: (what, value)."""
    rows = rows_of(subject.document)
    if subject.command in {"run", "compare"}:
        return _training_facts(rows)
    if subject.command in {"theory", "reproduce"}:
        what = "claims" if subject.command == "reproduce" else "predictions"
        verdicts = [str(row.get("holds")) for row in rows]
        return [(f"{what}: {one}", str(verdicts.count(one))) for one in dict.fromkeys(sorted(verdicts))][:8]
    if subject.command == "sweep":
        failed = sum("error" in row for row in rows)
        losses = [row["final_loss"] for row in rows if isinstance(row.get("final_loss"), int | float)]
        best = [("least final loss", value_text(min(losses)))] if losses else []
        return [("runs", value_text(len(rows))), ("failed", value_text(failed)), *best]
    if subject.command == "count":
        fits = [fit for fit in records(subject.document.get("fits")) if fit.get("exponent") is not None]
        return [
            (f"exponent of m, {cut(str(fit.get('strategy')), 40)}", value_text(fit["exponent"])) for fit in fits[:6]
        ]
    totals = records(subject.document.get("totals"))
    if totals:
        return [
            (f"oracle calls, {cut(str(total.get('strategy')), 40)}", value_text(total.get("oracle_calls")))
            for total in totals[:6]
        ]
    return [("rows", value_text(len(rows)))]


def _training_facts(rows: list[Row]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if not rows:
        return found
    first = next((row for row in rows if "error" not in row), rows[0])
    for key, title in (("final_loss", "final loss"), ("held_out_r2", "held-out R²")):
        if first.get(key) is not None:
            found.append((title, value_text(first[key])))
    for key, title in (("accuracy", "training accuracy"), ("held_out_accuracy", "held-out accuracy")):
        if first.get(key) is not None:
            found.append((title, share_text(first[key])))
    if first.get("fired_per_datum") is not None:
        found.append(("neurons that fire for a datum", value_text(first["fired_per_datum"])))
    if len(rows) > 1:
        same = {str(row.get("final_loss")) for row in rows if "error" not in row}
        found.append(("finders that end at the same loss to the last bit", "all" if len(same) == 1 else "not all"))
    failed = sum("error" in row for row in rows)
    return [*found, *([("failed runs", str(failed))] if failed else [])]


def asked(subject: Subject) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return what was asked for: groups of (key, value)."""
    groups: list[tuple[str, list[tuple[str, str]]]] = []
    options = {
        key: value
        for key, value in subject.request.items()
        if key not in {"command", "config", "plan", "options", "data_sha256"}
    }
    given = subject.request.get("options", subject.document.get("options"))
    options |= given if isinstance(given, dict) else {}
    if options:
        groups.append(("options", _pairs(options)))
    config = subject.document.get("config", subject.request.get("config"))
    grid = subject.request.get("grid")
    varied = {*grid, "run.seed"} if subject.command == "sweep" and isinstance(grid, dict) else set()
    if isinstance(config, dict):
        for section, values in list(config.items())[:40]:
            if isinstance(values, dict) and values:
                shown = {key: _SWEPT if f"{section}.{key}" in varied else value for key, value in values.items()}
                groups.append((cut(f"[{section}]", 60), _pairs(shown)))
    return groups


def _pairs(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(cut(str(key), 60), value_text(value)) for key, value in list(values.items())[:_MOST_KEYS]]


def notes(subject: Subject) -> list[str]:
    """Return what a reader should know, in sentences; of a crossover, what it assumes."""
    found = [one for key in ("notes", "assumptions") for one in _listed(subject.document.get(key))]
    more = [f"and {len(found) - _MOST_NOTES} more notes"] if len(found) > _MOST_NOTES else []
    return [*(cut(str(one), _LONGEST_NOTE) for one in found[:_MOST_NOTES]), *more]


def versions(subject: Subject) -> list[tuple[str, str]]:
    """Return what the result stood on: versions, platform, seed."""
    found: dict[str, Any] = {}
    for source in (subject.environment.get("versions"), subject.document.get("versions")):
        found |= source if isinstance(source, dict) else {}
    for key in ("platform", "machine", "processors"):
        if key in subject.environment:
            found[key] = subject.environment[key]
    seeds = subject.environment.get("seeds")
    if isinstance(seeds, dict) and "root" in seeds:
        found["seed"] = seeds["root"]
    return _pairs(found)


def tables(subject: Subject, most: int) -> list[Table]:
    """Return the tables of a document, of at most so many rows each."""
    rows = rows_of(subject.document)
    if not rows:
        return []
    build: Callable[[Subject, list[Row], int], list[Table]] = _TABLES.get(subject.command, _any_tables)
    return [one for one in build(subject, rows, most) if one.columns]


def _run_tables(subject: Subject, rows: list[Row], most: int) -> list[Table]:
    lines = table("theory", "Neurons that fire, beside theory", _fired_lines(subject.document), THEORY_COLUMNS, most)
    if len(rows) == 1:
        return [turned("results", "What came out", rows[0], RUN_COLUMNS), lines]
    return [table("results", "What came out, a row for each finder and index", rows, RUN_COLUMNS, most), lines]


def _fired_lines(document: Mapping[str, Any]) -> list[Row]:
    """Return what theory says of the neurons that fire at the start; nothing where it says nothing."""
    fired = document.get("fired")
    if not isinstance(fired, dict):
        return []
    counts = [count for count in _listed(fired.get("counts_initial")) if isinstance(count, int | float)]
    if not counts:
        return []
    lines = (
        ("mean over the data", "m Q(b)", "~", fired.get("expected"), sum(counts) / len(counts)),
        ("most for a datum", "2 m exp(-b^2/2)", "<=", fired.get("bound"), max(counts)),
    )
    names = ("quantity", "formula", "relation", "predicted", "measured")
    return [
        dict(zip(names, line, strict=True)) | {"source": "Song, Yang, Zhang 2021, Lemma 3.8"}
        for line in lines
        if isinstance(line[3], int | float)
    ]


def _count_tables(subject: Subject, rows: list[Row], most: int) -> list[Table]:
    scaled = []
    for row in rows:
        searches = row.get("searches")
        scale = searches if isinstance(searches, int | float) else 1
        totals = {"predicted_total": row.get("predicted"), "reference_total": row.get("reference_known_k")}
        found = {key: value * scale for key, value in totals.items() if isinstance(value, int | float)}
        scaled.append(row | found)
    fits = records(subject.document.get("fits"))
    return [
        table("results", "Oracle calls, a row for each width and strategy", scaled, COUNT_COLUMNS, most),
        table("fits", "How the calls grow with the width", fits, FIT_COLUMNS, most),
    ]


def _theory_tables(subject: Subject, rows: list[Row], most: int) -> list[Table]:
    told = [
        row | {"remarks": "; ".join(map(str, [*_listed(row.get("missing")), row.get("note") or ""]))} for row in rows
    ]
    told = [row | {"remarks": row["remarks"].strip("; ")} for row in told]
    often = [row for row in records(subject.document.get("repeated")) if row.get("starts")]
    return [
        table("results", "Theory lines: each prediction beside the measurement", told, THEORY_COLUMNS, most),
        table("repeated", "Over several starts: how often a line failed, and may fail", often, REPEATED_COLUMNS, most),
    ]


def _along_tables(subject: Subject, rows: list[Row], most: int) -> list[Table]:
    totals = records(subject.document.get("totals"))
    columns = {key: key.replace("_", " ") for key in (totals[0] if totals else {})}
    return [
        table("totals", "In all, a row for each strategy", totals, columns, most),
        table("results", "Oracle calls of each step", rows, ALONG_COLUMNS, most),
    ]


def _crossover_tables(subject: Subject, rows: list[Row], most: int) -> list[Table]:
    physical = records(subject.document.get("physical"))
    return [
        table("results", "Least width from which a search is cheaper, for good", rows, CROSSOVER_COLUMNS, most),
        table("physical", "A query on error-corrected qubits", physical, PHYSICAL_COLUMNS, most),
    ]


def _sweep_tables(subject: Subject, rows: list[Row], most: int) -> list[Table]:
    grid = subject.document.get("grid")
    keys = {key: cut(str(key), 60) for key in (grid if isinstance(grid, dict) else {})}
    return [
        table("results", "What came out, a row for each run", rows, keys | {"run.seed": "seed"} | RUN_COLUMNS, most)
    ]


def _reproduce_tables(subject: Subject, rows: list[Row], most: int) -> list[Table]:
    return [table("results", "The paper's claims", rows, REPRODUCE_COLUMNS, most)]


def _any_tables(subject: Subject, rows: list[Row], most: int) -> list[Table]:
    columns = dict.fromkeys(
        key for row in rows[:50] for key, value in row.items() if not isinstance(value, list | dict)
    )
    titles = {key: cut(str(key).replace("_", " "), 60) for key in list(columns)[:24]}
    return [table("results", "What came out", rows, titles, most)]


_TABLES: dict[str, Callable[[Subject, list[Row], int], list[Table]]] = {
    "run": _run_tables,
    "compare": _run_tables,
    "count": _count_tables,
    "count --along": _along_tables,
    "theory": _theory_tables,
    "crossover": _crossover_tables,
    "sweep": _sweep_tables,
    "reproduce": _reproduce_tables,
}


def rows_of(document: Mapping[str, Any]) -> list[Row]:
    """Return the rows of a document."""
    return records(document.get("rows"))


def records(value: Any) -> list[Row]:
    """Return the objects of a list; nothing else."""
    return [one for one in _listed(value) if isinstance(one, dict)]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
