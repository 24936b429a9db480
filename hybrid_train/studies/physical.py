"""What a query costs a machine of real qubits, beside what the same machine's classical part could do meanwhile."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, final

from circuits.resources import MODELS, SearchResources, logical_counts, physical_cost
from circuits.resources.gates import GateCounts
from circuits.resources.physical import checked_model
from hybrid_train.errors import ConfigError
from hybrid_train.support.checks import checked_positive, checked_probability
from hybrid_train.support.files import write_json
from hybrid_train.support.text_table import aligned

DEFAULT_MODEL = "qubit_gate_ns_e3"

_UNITS = ((31_557_600.0, "years"), (86_400.0, "days"), (3600.0, "hours"), (60.0, "minutes"), (1.0, "s"), (1e-3, "ms"))

_QREF = (".qref", ".yaml", ".yml")
"""Endings of a QREF file; what is written is JSON, which is YAML too."""


@final
@dataclass(frozen=True)
class Machine:
    """What is asked of the estimator, checked at birth.

    Attributes:
        models: of the qubits, by the names in :data:`circuits.resources.MODELS`.
        error_budget: probability that anything in a query goes wrong.
        price: of a physical qubit for an hour, in any currency; None to name no price.

    Raises:
        ConfigError: an unknown model, or a number out of range.
    """

    models: tuple[str, ...] = (DEFAULT_MODEL,)
    error_budget: float = 1e-3
    price: float | None = None

    def __post_init__(self) -> None:
        if not self.models:
            raise ConfigError(f"physical: expected names of qubit models: {', '.join(MODELS)}")
        for name in self.models:
            checked_model(name)
        checked_probability(self.error_budget, "error_budget")
        if self.price is not None:
            checked_positive(self.price, "price")


def physical_rows(found: SearchResources, machine: Machine) -> list[dict[str, Any]]:
    """Return a row for each qubit model: the fields of :class:`circuits.resources.PhysicalCost`, and ``price``.

    Args:
        found: of a query, in closed form.
        machine: see there.

    Raises:
        ConfigError: the estimator is not installed.
    """
    rows = []
    for model in machine.models:
        cost = physical_cost(query_counts(found), model, machine.error_budget)
        price = None
        if machine.price is not None and cost.seconds is not None and cost.physical_qubits is not None:
            price = machine.price * cost.physical_qubits * cost.seconds / 3600
        rows.append({"per": "query"} | asdict(cost) | {"price": price})
    return rows


def query_counts(found: SearchResources) -> dict[str, int]:
    """Return the logical counts of a query, as the estimator takes them."""
    return logical_counts(found.oracle.logical_qubits, found.gates)


def physical_text(document: dict[str, Any]) -> list[str]:
    """Return the lines about the rows of :func:`physical_rows` in a document of ``oracle_resources``."""
    rows, search = document["physical"], document["search"]
    priced = any(row["price"] is not None for row in rows)
    head = ["qubits", "code", "distance", "physical qubits", "time", "decoding steps"]
    table = [[*head, "price"] if priced else head]
    for row in rows:
        if row["reason"] is None:
            counts = f"{row['code_distance']}", f"{row['physical_qubits']:,}", time_text(row["seconds"])
            price = [f"{row['price']:.3g}"] if priced else []
            table.append([row["model"], row["code"], *counts, f"{row['decoder_operations']:.2g}", *price])
    failed = [f"  {row['model']}: {row['reason']}" for row in rows if row["reason"] is not None]
    scan = f"{search['scan_operations']:,}"
    return [
        f"a query on error-corrected qubits, error budget {rows[0]['error_budget']:g}",
        *(f"  {line}" for line in aligned(table, 2).splitlines() if len(table) > 1),
        *failed,
        "  decoding steps: one for each physical qubit and round of syndrome measurements, the least that classical",
        f"  processors have to do meanwhile; a classical scan takes {scan} multiply-adds in all",
        f"  however cheap a call: a search that knows nothing takes at most {search['advantage_cap']:.3g} times fewer",
        "  calls than a scan takes inner products",
    ]


def time_text(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    size, unit = next((one for one in _UNITS if seconds >= one[0]), _UNITS[-1])
    return f"{seconds / size:,.3g} {unit}"


def advantage_cap(width: int, fired: float) -> float:
    """Return by how much oracle calls can be fewer than inner products: m / (1.38 sqrt(m k)) = 0.72 / sqrt(k / m).

    Args:
        width: m.
        fired: k.
    """
    return math.sqrt(width / fired) / 1.38 if fired > 0 else math.inf


def export_counts(path: str | Path, found: SearchResources, title: str) -> None:
    """Write the logical counts of a query: to NAME.json as Microsoft's estimator reads them, to NAME.yaml as QREF.

    Raises:
        ConfigError: another ending.
        CheckpointError: the file cannot be written.
    """
    place = Path(path)
    ending = place.suffix.lower()
    if ending == ".json":
        document: dict[str, Any] = query_counts(found)
    elif ending in _QREF:
        document = _qref(found, title)
    else:
        raise ConfigError(f"export={str(path)!r}: expected a name that ends in .json, or in .yaml for QREF")
    write_json(place, document)


def _qref(found: SearchResources, title: str) -> dict[str, Any]:
    """Return the search as a QREF program of repeated iterations."""
    searching = found.oracle_calls - found.certificate_calls
    qubits = found.oracle.logical_qubits
    parts = (
        ("search", found.iteration, searching),
        ("certificate", found.certificate_iteration, found.certificate_calls),
    )
    children = [
        {
            "name": name,
            "repetition": {"count": times, "sequence": {"type": "constant", "multiplier": 1}},
            "children": [{"name": "iteration", "resources": _resources(qubits, one)}],
        }
        for name, one, times in parts
        if times
    ]
    resources = _resources(qubits, found.gates)
    program = {"name": "query", "meta": {"title": title}, "resources": resources, "children": children}
    return {"version": "v1", "program": program}


def _resources(qubits: int, gates: GateCounts) -> list[dict[str, Any]]:
    counts = {"toffoli": gates.ands, "t": gates.bare_t, "rotations": gates.rotations, "toffoli_depth": gates.and_depth}
    additive = [{"name": name, "type": "additive", "value": value} for name, value in counts.items()]
    return [{"name": "logical_qubits", "type": "qubits", "value": qubits}, *additive]
