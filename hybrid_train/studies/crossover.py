"""From what width a quantum search is cheaper than a classical finder, in three ways of counting."""

from __future__ import annotations

from dataclasses import asdict
from math import ceil, log2
from pathlib import Path
from typing import Any

import numpy as np

from circuits.resources import logical_counts, physical_cost
from circuits.resources.gates import GateCounts
from circuits.resources.search import LARGEST_EXPONENT, OPERATIONS_PER_COORDINATE, least_width
from hybrid_train.errors import CheckpointError, UnwrittenError
from hybrid_train.experiments.document import draw_document, versions
from hybrid_train.experiments.folder import Place
from hybrid_train.experiments.journal import Journal, journal
from hybrid_train.experiments.quality import qualities, quality_text
from hybrid_train.studies.crossover_costs import CostModel, CrossoverOptions, measured_model
from hybrid_train.studies.physical import time_text
from hybrid_train.studies.quality import CROSSOVER
from hybrid_train.studies.search_growth import PLAYED_EXPONENTS
from hybrid_train.studies.training_growth import FEWEST_ENTRIES, TRAINING_STEPS
from hybrid_train.support.power_law import PowerLaw
from hybrid_train.support.text_table import aligned

COLUMNS = {
    "oracle_calls": "oracle calls",
    "quantum_memory": "quantum memory assumed",
    "qrom_gates": "QROM gates",
}
UNITS = {
    "oracle_calls": "oracle calls and inner products, one each",
    "quantum_memory": "multiply-adds",
    "qrom_gates": "seconds",
}
RIVALS = ("scan", "skin")
_FIRST_EXPONENT = 4
"""Narrower networks cost a handful of operations in any way, and the fitted laws are not for them."""
WIDTHS = tuple(1 << exponent for exponent in range(_FIRST_EXPONENT, LARGEST_EXPONENT + 1))
PHYSICAL_WIDTHS = tuple(1 << exponent for exponent in (10, 20, 30, 40))
"""At which times on an error-corrected machine are estimated."""
_TAIL = 10
"""Exponents are read off the last so many doublings."""
_SAME = 0.005
"""Exponents closer than this do not tell whether two costs ever meet."""


def write_crossovers(
    options: CrossoverOptions, *, out: Place | None = None, resume: Place | None = None, progress: bool = False
) -> tuple[dict[str, Any], list[Path]]:
    """Return what :func:`find_crossovers` finds, and the pictures of a results directory with it.

    Args:
        options: the assumptions.
        out: results directory to make; nothing is written without one. Each training and each search is there as soon
            as it is counted.
        resume: in place of ``out``, a results directory to go on in: what is there is not counted again, nor is the
            speed of the machine measured again.
        progress: show bars.

    Raises:
        ConfigError: ``out`` holds results, another process writes there, or ``resume`` holds those of other options,
            which are named; nothing has started then.
        CheckpointError: the directory cannot be written to, or what is to be gone on with is damaged.
        UnwrittenError: the document cannot be written; it has it, and no pictures.
    """
    with journal(out, resume) as kept:
        asked = asdict(options)
        kept.begin({"command": "crossover", "options": asked}, [], {"options": asked})
        document = find_crossovers(options, kept=kept, progress=progress)
        if kept.path is None:
            return document, []
        document["status"] = "done"
        try:
            kept.end("done", document)
        except CheckpointError as error:
            raise UnwrittenError(str(error), (document, [])) from error
        return document, [path for path in draw_document(kept.path, document, _draw) if path.suffix == ".png"]


def find_crossovers(
    options: CrossoverOptions, *, kept: Journal | None = None, progress: bool = False
) -> dict[str, Any]:
    """Measure, extrapolate, and compare every strategy with every rival at powers of two from 2^4 to 2^60.

    Args:
        options: the assumptions.
        kept: has what was counted before, and takes what is counted now.
        progress: show bars.

    Returns:
        A document: ``rows`` (one for each strategy, rival and column, ``width`` None where the strategy does not win
        for good up to 2^60, with the ``reason``), ``assumptions`` in sentences, ``options``, ``curves`` (costs by
        column and name at ``widths``), ``laws``, what was counted and fitted, and the ``counted_widths``.
    """
    model = measured_model(options, progress, kept)
    toffoli = [options.toffoli(width) for width in WIDTHS]
    costs = {"scan": [model.scan(width) for width in WIDTHS], "skin": [model.skin(width) for width in WIDTHS]}
    for name in options.strategies:
        costs[name] = [model.search(name, width, gates) for width, gates in zip(WIDTHS, toffoli, strict=True)]
    curves = {column: {name: [cost[column] for cost in each] for name, each in costs.items()} for column in COLUMNS}
    rows = [
        _row(strategy, rival, column, curves[column])
        for strategy in options.strategies
        for rival in RIVALS
        for column in COLUMNS
    ]
    laws = {
        "training": model.training.as_dict(),
        "searches": [asdict(model.searches[name]) for name in options.strategies],
        "toffoli_an_iteration": toffoli,
    }
    given = asdict(options) | {"query_bits": options.query_bits or options.bits}
    given |= {"strategies": list(options.strategies), "classical_rate": model.classical_rate}
    document = {
        "rows": rows,
        **({"physical": _physical(model)} if options.physical else {}),
        "assumptions": _assumptions(model),
        "options": given,
        "versions": versions(),
        "counted_widths": {
            "oracle_calls": [1 << exponent for exponent in PLAYED_EXPONENTS],
            "trainings": [one.width for one in model.training.counts],
        },
        "widths": list(WIDTHS),
        "curves": curves,
        "laws": laws,
    }
    return document | {"quality": qualities(CROSSOVER, document)}


def _physical(model: CostModel) -> list[dict[str, Any]]:
    """Return what a query takes on error-corrected qubits: its Toffoli gates one after another."""
    options, rows = model.options, []
    for width in PHYSICAL_WIDTHS:
        toffoli, qubits = options.iteration(width)
        scan = model.scan(width)["qrom_gates"]
        for strategy in options.strategies:
            gates = GateCounts(ands=ceil(model.work(strategy, width)[0] * toffoli))
            for name in options.physical:
                cost = physical_cost(logical_counts(qubits, gates), name, options.error_budget)
                kept = ("model", "physical_qubits", "code_distance", "seconds", "reason")
                row: dict[str, Any] = {"strategy": strategy, "width": width, "scan_seconds": scan}
                rows.append(row | {key: getattr(cost, key) for key in kept})
    return rows


def _draw(directory: Path, document: dict[str, Any]) -> list[Path]:
    from hybrid_train.report.crossover import write_crossover_figure

    return write_crossover_figure(directory, document)


def crossover_text(document: dict[str, Any]) -> str:
    """Return the document of :func:`find_crossovers` for people."""
    found = {(row["strategy"], row["rival"], row["column"]): row for row in document["rows"]}
    strategies = document["options"]["strategies"]
    lines = ["Least width from which finding all fired neurons of a query is cheaper, for good up to 2^60", ""]
    reasons: dict[str, str] = {}
    for rival in RIVALS:
        table = [[f"than {rival}", *COLUMNS.values()]]
        for strategy in strategies:
            cells = [_cell(found[strategy, rival, column], reasons) for column in COLUMNS]
            table.append([strategy, *cells])
        lines += [aligned(table, 1), ""]
    lines += [f"  {mark} {reason}" for reason, mark in reasons.items()]
    lines += _physical_text(document)
    shown = {"widths": CROSSOVER["rows[].width"]}
    if "physical" in document:
        shown |= {"physical qubits, distance, times": CROSSOVER["physical[].*"], "m": "given"}
    lines += [*[""] * bool(reasons), quality_text(shown)]
    return "\n".join([*lines, "Assumed", *(f"- {text}" for text in document["assumptions"])])


def _physical_text(document: dict[str, Any]) -> list[str]:
    if "physical" not in document:
        return []
    budget = document["options"]["error_budget"]
    table = [["m", "strategy", "qubits", "distance", "physical qubits", "time", "a scan"]]
    for row in document["physical"]:
        head = [_power(row["width"]), row["strategy"], row["model"]]
        if row["reason"] is None:
            counts = [f"{row['code_distance']}", f"{row['physical_qubits']:,}", time_text(row["seconds"])]
        else:
            counts = ["-", "-", "-"]
        table.append([*head, *counts, time_text(row["scan_seconds"])])
    reasons = dict.fromkeys(f"  - {row['reason']}" for row in document["physical"] if row["reason"] is not None)
    return ["", f"A query on error-corrected qubits, error budget {budget:g}", "", aligned(table, 3), *reasons]


def _cell(row: dict[str, Any], reasons: dict[str, str]) -> str:
    if row["width"] is not None:
        return ("<= " if row["width"] == WIDTHS[0] else "") + _power(row["width"])
    mark = reasons.setdefault(row["reason"], f"[{len(reasons) + 1}]")
    return f"beyond {mark}" if row["growth"] < row["rival_growth"] - _SAME else f"never {mark}"


def _row(strategy: str, rival: str, column: str, curves: dict[str, list[float]]) -> dict[str, Any]:
    """Return where one curve goes below another for good, or why it does not."""
    own, other = np.array(curves[strategy]), np.array(curves[rival])
    ahead = own < other
    width = least_width(ahead.tolist(), _FIRST_EXPONENT)
    growth, rival_growth = (float(np.log2(one[-1] / one[-1 - _TAIL])) / _TAIL for one in (own, other))
    reason = ""
    if width is None:
        reason = f"{COLUMNS[column]}: {strategy} grows as m^{growth:.2f}, {rival} as m^{rival_growth:.2f}"
        gap = log2(own[-1] / other[-1])
        if growth < rival_growth - _SAME:
            reason += f"; they would meet near 2^{LARGEST_EXPONENT + gap / (rival_growth - growth):.0f}"
        else:
            reason += f"; at 2^{LARGEST_EXPONENT} it costs {2.0**gap:.2g} times as much"
        if ahead.any():
            first, last = (WIDTHS[at] for at in np.flatnonzero(ahead)[[0, -1]])
            reason += f" (ahead only between {_power(first)} and {_power(last)})"
    return {
        "strategy": strategy,
        "rival": rival,
        "column": column,
        "unit": UNITS[column],
        "width": width,
        "growth": growth,
        "rival_growth": rival_growth,
        "reason": reason,
    }


def _assumptions(model: CostModel) -> list[str]:
    options, growth = model.options, model.training
    trained = f"{_power(growth.counts[0].width)} to {_power(growth.counts[-1].width)}"
    played = f"2^{PLAYED_EXPONENTS[0]} to 2^{PLAYED_EXPONENTS[-1]}"
    errors = {law.strategy: law.error for law in model.searches.values() if law.strategy in options.strategies}
    measured = "given" if options.classical_rate else "measured on this machine"
    swap = "the one of fewest Toffoli" if options.swap is None else str(options.swap)
    return [
        f"n = {options.n} queries in d = {options.dim}, b = sqrt(0.4 ln m), k = m P(N(0,1) > b) neurons fire; "
        f"per query and step, in a run of {options.steps} steps",
        f"oracle calls: a call, its verification, an inner product and a list entry count 1 each; "
        f"searches miss with probability {options.delta:g} at most, certificate included",
        f"quantum memory assumed: loading is free, a call takes {OPERATIONS_PER_COORDINATE} d operations (compute and "
        "undo), an inner product d",
        f"QROM gates: {options.bits}-bit weights loaded by gates (swap: {swap}, qubits unlimited), "
        f"{options.toffoli_rate:.3g} Toffoli/s one after another against {model.classical_rate:.3g} multiply-adds/s "
        f"({measured}); a call takes about sqrt(m) Toffoli at the best swap and m with none, which outgrows any scan",
        "scan: m inner products of d multiply-adds",
        f"skin: counted in trainings of at most {TRAINING_STEPS} steps at m = {trained}: "
        f"{_law(growth.entries_per_fired)} list entries touched per fired neuron, at least {FEWEST_ENTRIES:g}, "
        f"and {_law(growth.inner_products)} inner products; the first scan, shared out over the run, makes it linear "
        "in the end",
        f"warm: verifies the last step's k neurons and searches for {_law(growth.newcomers)} newcomers (same "
        "trainings); its first search is cold",
        f"oracle calls were played out at m = {played} and fitted to "
        + ", ".join(f"{100 * error:.2g} % ({name})" for name, error in errors.items()),
        "outside these widths everything is extrapolated; known_k is told k, which no training run knows",
    ]


def _law(law: PowerLaw) -> str:
    return f"{law.factor:.3g} m^({law.exponent:.2f} +- {law.exponent_sem:.2f})"


def _power(width: int) -> str:
    return f"2^{width.bit_length() - 1}"
