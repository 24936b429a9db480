"""What a search costs an error-corrected machine: physical qubits, code distance and time, by Microsoft's estimator.

The only place that knows the package ``qdk``, which is optional (``pip install 'hybrid-train[physical]'``). Its
telemetry is switched off before it is imported.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, final

from circuits.resources.gates import GateCounts
from hybrid_train.errors import ConfigError
from hybrid_train.support.names import nearest

MODELS: Mapping[str, str] = {
    "qubit_gate_ns_e3": "surface_code",
    "qubit_gate_ns_e4": "surface_code",
    "qubit_gate_us_e3": "surface_code",
    "qubit_gate_us_e4": "surface_code",
    "qubit_maj_ns_e4": "floquet_code",
    "qubit_maj_ns_e6": "floquet_code",
}
"""The estimator's qubit models, by its names, and the code that corrects their errors.

Gates of 50 ns (``gate_ns``, as of superconducting qubits) or 100 us (``gate_us``, as of trapped ions) that fail once in
10^3 or 10^4 times; Majorana qubits of 100 ns that fail once in 10^4 or 10^6 times.
"""

_LONGEST = 1 << 64
"""Nanoseconds, which the estimator counts in 64 bits; beyond it begins again from 0, or does not end."""

_LARGEST = 1 << 52
"""Gates that take longer on every machine: three cycles of more than a microsecond each."""

_TOO_LONG = "longer than the estimator can count, 584 years"

_FOR_ROTATIONS = 0.01
"""Of the error budget: they are few, and a digit more costs them ten T gates each."""

_NANO = 1e-9


@final
@dataclass(frozen=True)
class PhysicalCost:
    """What a machine takes; numbers are None where the estimator finds none, with the reason.

    Attributes:
        model: of the qubits.
        code: that corrects their errors.
        error_budget: probability that any of it goes wrong.
        physical_qubits: in all.
        code_distance: of the logical qubits.
        logical_qubits: after layout.
        seconds: from beginning to end.
        t_states: magic states that are distilled.
        factories: that distil them side by side.
        decoder_operations: one for each physical qubit and round of syndrome measurements, the least that a classical
            computer has to do to correct the errors meanwhile (Jaques and Rattew 2023, section 3).
        reason: why there are no numbers, or None.
    """

    model: str
    code: str
    error_budget: float
    physical_qubits: int | None = None
    code_distance: int | None = None
    logical_qubits: int | None = None
    seconds: float | None = None
    t_states: int | None = None
    factories: int | None = None
    decoder_operations: float | None = None
    reason: str | None = None


def logical_counts(qubits: int, gates: GateCounts) -> dict[str, int]:
    """Return gate counts as the estimator takes them.

    An AND goes in as one CCZ, which takes four T states as it does, and its erasure as a measurement. Rotations may all
    follow one another.

    Args:
        qubits: logical ones.
        gates: of the whole circuit.
    """
    return {
        "numQubits": qubits,
        "tCount": gates.bare_t,
        "rotationCount": gates.rotations,
        "rotationDepth": gates.rotations,
        "cczCount": gates.ands,
        "ccixCount": 0,
        "measurementCount": gates.ands,
    }


def checked_model(name: str) -> str:
    """Return the name of a qubit model.

    Raises:
        ConfigError: there is none.
    """
    if name not in MODELS:
        raise ConfigError(f"physical={name!r}: expected one of {', '.join(MODELS)}{nearest(name, MODELS)}")
    return name


def physical_cost(counts: Mapping[str, int], model: str, error_budget: float = 1e-3) -> PhysicalCost:
    """Return what a machine of such qubits takes for a circuit.

    Args:
        counts: see :func:`logical_counts`.
        model: one of :data:`MODELS`.
        error_budget: in (0, 1): half for logical errors, half for distilled states, and a hundredth of it, if there
            are rotations, for their synthesis.

    Raises:
        ConfigError: an unknown model, an impossible budget, or ``qdk`` is not installed.
    """
    code = MODELS[checked_model(model)]
    if not (isfinite(error_budget) and 0.0 < error_budget < 1.0):
        raise ConfigError(f"error_budget={error_budget}: must lie strictly between 0 and 1")
    rotations = _FOR_ROTATIONS * error_budget if counts["rotationCount"] else 0.0
    budget = {"logical": error_budget / 2, "tStates": error_budget / 2 - rotations, "rotations": rotations}
    asked = {"qubitParams": {"name": model}, "qecScheme": {"name": code}, "errorBudget": budget}
    estimator = _estimator()
    if max(counts.values()) > _LARGEST:
        return PhysicalCost(model, code, error_budget, reason=_TOO_LONG)
    try:
        found = estimator.LogicalCounts(dict(counts)).estimate(asked)
    except estimator.EstimatorError as error:
        return PhysicalCost(model, code, error_budget, reason=" ".join(str(error).split()))
    return _read(found, PhysicalCost(model, code, error_budget))


def _read(found: Mapping[str, Any], asked: PhysicalCost) -> PhysicalCost:
    totals, qubit = found["physicalCounts"], found["logicalQubit"]
    parts, distance = totals["breakdown"], int(qubit["codeDistance"])
    cycles = int(parts["logicalDepth"])
    if cycles * int(qubit["logicalCycleTime"]) >= _LONGEST:
        return replace(asked, reason=_TOO_LONG)
    return PhysicalCost(
        asked.model,
        asked.code,
        asked.error_budget,
        physical_qubits=int(totals["physicalQubits"]),
        code_distance=distance,
        logical_qubits=int(parts["algorithmicLogicalQubits"]),
        seconds=totals["runtime"] * _NANO,
        t_states=int(parts["numTstates"]),
        factories=int(parts["numTfactories"]),
        decoder_operations=float(totals["physicalQubits"]) * cycles * distance,
    )


def _estimator() -> Any:
    """Return the estimator, told to keep to itself.

    Raises:
        ConfigError: it is not installed.
    """
    os.environ["QDK_PYTHON_TELEMETRY"] = os.environ["QSHARP_PYTHON_TELEMETRY"] = "none"
    try:
        from qdk import estimator
    except ImportError:
        raise ConfigError("physical: qdk is not installed; pip install 'hybrid-train[physical]' brings it") from None
    return estimator
