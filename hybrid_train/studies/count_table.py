"""Counted oracle calls as text for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hybrid_train.support.text_table import aligned

_LARGE = 10**9
"""From where on powers of two are written as such, and other numbers with four digits."""


def count_text(document: Mapping[str, Any]) -> str:
    """Return the rows and fits of ``hybrid-train count`` as aligned tables."""
    header = ["m", "k", "strategy", "trials", "oracle calls", "+-", "until last hit", "+-", "predicted", "known k"]
    header += ["scan", "m^(9/10)", "sqrt(mk)", "missed"]
    lines = [header]
    for row in document["rows"]:
        scale = row["searches"]
        numbers = [row["total_calls_mean"], row["total_calls_sem"]]
        numbers += [scale * row[name] for name in ("until_last_hit_mean", "until_last_hit_sem", "predicted")]
        numbers += [scale * row["reference_known_k"], row["scan"], row["paper_m_9_10"], row["true_k_line"]]
        cells = [_number(row["m"]), _number(row["k"]), row["strategy"], str(row["trials"])]
        lines.append([*cells, *map(_number, numbers), str(row["missed"])])
    parts = [aligned(lines, 0), _predictions(document["rows"]), _fit_text(document["fits"])]
    if "later_searches" in document["rows"][0]:
        parts.insert(1, _by_step(document["rows"]))
    return "\n\n".join(parts)


def formula_text(document: Mapping[str, Any]) -> str:
    """Return the rows and fits, and below them the closed forms that they hold."""
    lines = [[one["name"], one["formula"]] for one in document["formulas"]]
    return f"{count_text(document)}\n\nclosed forms\n{aligned(lines, 2)}"


def _by_step(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return what Algorithm 8 takes in its first step and in later ones, and what its empty searches take."""
    lines = [["m", "strategy", "first step", "later steps", "neurons asked then", "nothing fires", "calls of such"]]
    lines[0].append("Lemma G.6")
    for row in rows:
        keys = ("first_total_calls_mean", "later_total_calls_mean", "later_searches")
        cells = [_number(row["m"]), row["strategy"], *(_number(row[key]) for key in keys)]
        cells += [f"{row['empty_share']:.1%}", _number(row["empty_calls_mean"]), _number(row["lemma_g6_calls"])]
        lines.append(cells)
    return aligned(lines, 0)


def _predictions(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say what each strategy's prediction is worth."""
    words = {0.0: "the mean", None: "a leading term alone"}
    errors = {row["strategy"]: row["predicted_within"] for row in rows}
    told = (f"{name} {words.get(error) or f'within {error:.0%}'}" for name, error in errors.items())
    return f"predicted: {', '.join(told)}"


def _fit_text(fits: Sequence[Mapping[str, Any]]) -> str:
    lines = [["calls ~ m^", "exponent", "+-"]]
    for fit in fits:
        cells = [fit["exponent"], fit["exponent_sem"]]
        lines.append([fit["strategy"], *("-" if cell is None else f"{cell:.4f}" for cell in cells)])
    return aligned(lines, 1)


def along_text(document: Mapping[str, Any]) -> str:
    """Return the totals of ``hybrid-train count --along`` and the steps of each strategy as aligned tables."""
    names = ["oracle_calls", "certificate_calls", "verifications", "inner_products", "scan", "missed"]
    lines = [["strategy", *(name.replace("_", " ") for name in names), "fewer than Algorithm 7"]]
    for total in document["totals"]:
        fewer = total["fewer_than_printed"]
        cells = [_number(total[name]) for name in names]
        lines.append([total["strategy"], *cells, "-" if fewer is None else f"{fewer:.2f}x"])
    return f"{aligned(_steps(document), 1)}\n\n{aligned(lines, 1)}"


def _steps(document: Mapping[str, Any]) -> list[list[str]]:
    """Return the oracle calls of about ten steps, a column for each strategy."""
    strategies = [total["strategy"] for total in document["totals"]]
    by_step: dict[int, dict[str, Any]] = {}
    for row in document["rows"]:
        by_step.setdefault(row["step"], {})[row["strategy"]] = row
    every = max(1, len(by_step) // 10)
    lines = [["step", "queries", "active", "newcomers", *strategies]]
    for step, rows in by_step.items():
        if step % every == 0:
            first = rows[strategies[0]]
            about = [_number(first[name]) for name in ("queries", "active", "newcomers")]
            lines.append([str(step), *about, *(_number(rows[name]["oracle_calls"]) for name in strategies)])
    return lines


def _number(value: float) -> str:
    if value >= _LARGE and float(value).is_integer() and int(value).bit_count() == 1:
        return f"2^{int(value).bit_length() - 1}"
    if isinstance(value, int) and value < _LARGE:
        return f"{value:,}"
    return f"{value:,.4g}" if value < 1e4 else f"{value:.4e}"
