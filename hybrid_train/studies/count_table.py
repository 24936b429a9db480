"""Counted oracle calls as text for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hybrid_train.experiments.quality import quality_text
from hybrid_train.studies.quality import COUNT
from hybrid_train.support.text_table import aligned, power_of_two

_LARGE = 10**9
"""From where on numbers other than powers of two have four digits."""
_COLUMNS = {
    "oracle calls": "total_calls_mean",
    "+-": "total_calls_sem",
    "missed": "missed",
    "k": "k",
    "predicted": "predicted",
    "known k": "reference_known_k",
    "scan": "scan",
}
_QUALITY = quality_text({name: COUNT[f"rows[].{key}"] for name, key in _COLUMNS.items()})
"""How good the columns are."""

_MOST_WIDTHS = 6
"""Lines of a block."""


def count_text(document: Mapping[str, Any], *, whole: bool = False) -> str:
    """Return the rows and fits of ``hybrid-train count`` as aligned tables.

    Args:
        document: as :func:`hybrid_train.studies.count.count_oracle_calls` has it.
        whole: one table with every width and column; by default a block for each strategy, with a few widths.
    """
    rows = document["rows"]
    later = [_by_step(rows)] if "later_searches" in rows[0] else []
    if whole:
        return "\n\n".join([_every_row(rows), *later, f"{_QUALITY}\n{_predictions(rows)}", _fit_text(document["fits"])])
    widths = list(dict.fromkeys(row["m"] for row in rows))
    shown = _few(widths)
    exponents = {fit["strategy"]: fit["exponent"] for fit in document["fits"]}
    blocks = [
        _block([row for row in rows if row["strategy"] == name and row["m"] in shown], exponents.get(name))
        for name in dict.fromkeys(row["strategy"] for row in rows)
    ]
    hidden = f"{len(widths) - len(shown)} more widths, " if len(shown) < len(widths) else ""
    return "\n\n".join([*blocks, *later, f"{_QUALITY}\n{hidden}more columns and fits: --all"])


def _block(rows: Sequence[Mapping[str, Any]], exponent: float | None) -> str:
    """Return what one strategy took, under its name, what its prediction is worth, and how its calls grow."""
    title = f"{rows[0]['strategy']}: predicted is {_worth(rows[0])}"
    if exponent is not None:
        title += f"; calls grow as m^{exponent:.3f}"
    lines = [["m", "k", "oracle calls", "+-", "predicted", "known k", "scan", "missed"]]
    for row in rows:
        scale = row["searches"]
        numbers = [row["k"], row["total_calls_mean"], row["total_calls_sem"], scale * row["predicted"]]
        numbers += [scale * row["reference_known_k"]]
        lines.append([_width(row["m"]), *map(_number, numbers), _width(row["scan"]), str(row["missed"])])
    return f"{title}\n{aligned(lines, 0)}"


def _few(widths: Sequence[int]) -> set[int]:
    """Return at most six widths: powers of two where there are as many, evenly spread, the last among them."""
    powers = [width for width in widths if width.bit_count() == 1]
    chosen = powers if len(widths) > _MOST_WIDTHS <= len(powers) else list(widths)
    return set(chosen[::-1][:: -(-len(chosen) // _MOST_WIDTHS)])


def _every_row(rows: Sequence[Mapping[str, Any]]) -> str:
    header = ["m", "k", "strategy", "trials", "oracle calls", "+-", "until last hit", "+-", "predicted", "known k"]
    header += ["scan", "m^(9/10)", "sqrt(mk)", "missed"]
    lines = [header]
    for row in rows:
        scale = row["searches"]
        numbers = [row["total_calls_mean"], row["total_calls_sem"]]
        numbers += [scale * row[name] for name in ("until_last_hit_mean", "until_last_hit_sem", "predicted")]
        numbers += [scale * row["reference_known_k"], row["scan"], row["paper_m_9_10"], row["true_k_line"]]
        cells = [_width(row["m"]), _number(row["k"]), row["strategy"], str(row["trials"])]
        lines.append([*cells, *map(_number, numbers), str(row["missed"])])
    return aligned(lines, 0)


def formula_text(document: Mapping[str, Any], *, whole: bool = False) -> str:
    """Return the rows and fits, and below them the closed forms that they hold."""
    lines = [[one["name"], one["formula"]] for one in document["formulas"]]
    return f"{count_text(document, whole=whole)}\n\nclosed forms\n{aligned(lines, 2)}"


def _by_step(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return what Algorithm 8 takes in its first step and in later ones, and what its empty searches take."""
    lines = [["m", "strategy", "first step", "later steps", "neurons asked then", "nothing fires", "calls of such"]]
    lines[0].append("Lemma G.6")
    for row in rows:
        keys = ("first_total_calls_mean", "later_total_calls_mean", "later_searches")
        cells = [_width(row["m"]), row["strategy"], *(_number(row[key]) for key in keys)]
        cells += [f"{row['empty_share']:.1%}", _number(row["empty_calls_mean"]), _number(row["lemma_g6_calls"])]
        lines.append(cells)
    return aligned(lines, 0)


def _predictions(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say what each strategy's prediction is worth."""
    told = {row["strategy"]: _worth(row) for row in rows}
    return f"predicted: {', '.join(f'{name} {worth}' for name, worth in told.items())}"


def _worth(row: Mapping[str, Any]) -> str:
    """Say how far the mean may be from what a row predicts."""
    error = row["predicted_within"]
    return "a leading term alone" if error is None else f"within {error:.0%}" if error else "the mean"


def _fit_text(fits: Sequence[Mapping[str, Any]]) -> str:
    lines = [["calls ~ m^", "exponent", "+-"]]
    for fit in fits:
        cells = [fit["exponent"], fit["exponent_sem"]]
        lines.append([fit["strategy"], *("-" if cell is None else f"{cell:.4f}" for cell in cells)])
    return aligned(lines, 1)


def along_text(document: Mapping[str, Any], *, whole: bool = False) -> str:
    """Return the totals of ``hybrid-train count --along`` and the steps of each strategy as aligned tables.

    Args:
        document: as :func:`hybrid_train.studies.count_along.count_along` has it.
        whole: every step; by default about ten.
    """
    names = ["oracle_calls", "certificate_calls", "verifications", "inner_products", "scan", "missed"]
    lines = [["strategy", *(name.replace("_", " ") for name in names), "fewer than Algorithm 7"]]
    for total in document["totals"]:
        fewer = total["fewer_than_printed"]
        cells = [_number(total[name]) for name in names]
        lines.append([total["strategy"], *cells, "-" if fewer is None else f"{fewer:.2f}x"])
    return f"{aligned(_steps(document, whole=whole), 1)}\n\n{aligned(lines, 1)}"


def _steps(document: Mapping[str, Any], *, whole: bool) -> list[list[str]]:
    """Return the oracle calls of all or about ten steps, a column for each strategy."""
    strategies = [total["strategy"] for total in document["totals"]]
    by_step: dict[int, dict[str, Any]] = {}
    for row in document["rows"]:
        by_step.setdefault(row["step"], {})[row["strategy"]] = row
    every = 1 if whole else max(1, len(by_step) // 10)
    lines = [["step", "queries", "active", "newcomers", *strategies]]
    for step, rows in by_step.items():
        if step % every == 0:
            first = rows[strategies[0]]
            about = [_number(first[name]) for name in ("queries", "active", "newcomers")]
            lines.append([str(step), *about, *(_number(rows[name]["oracle_calls"]) for name in strategies)])
    return lines


def _width(value: float) -> str:
    """Return a width, or what is as large, as a power of two where it is one."""
    return power_of_two(value, 16) or _number(value)


def _number(value: float) -> str:
    if (power := power_of_two(value)) is not None:
        return power
    if abs(value) >= _LARGE:
        return f"{value:.4e}"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
