"""Counting a built circuit, gate by gate: the second statement of every cost."""

from __future__ import annotations

from collections.abc import Callable
from math import pi
from typing import Any

from circuits.resources.gates import GateCounts
from hybrid_train.errors import ConfigError


def count_circuit(circuit: Any) -> GateCounts:
    """Count the gates of a circuit that are not Clifford, and the ANDs on its longest path.

    ``and_dg`` is taken as erasure by measurement: no T gate. A gate with c > 1 controls is an AND of its controls,
    c - 1 of them for an X and c - 1 for a phase or Z, erased by measurement.

    Args:
        circuit: a Qiskit ``QuantumCircuit``; the branches of conditions may hold Clifford gates only.

    Raises:
        ConfigError: a gate this count does not know.
    """
    total = GateCounts()
    depth = dict.fromkeys([*circuit.qubits, *circuit.clbits], 0)
    for instruction in circuit.data:
        operation = instruction.operation
        name = operation.name.partition("_o")[0]  # controls on 0 are named so; they differ by X gates
        if name not in _COSTS:
            raise ConfigError(f"{operation.name}: the resource count does not know this gate; decompose it first")
        cost = _COSTS[name](operation)
        total += cost
        bits = [*instruction.qubits, *instruction.clbits]
        finished = max((depth[bit] for bit in bits), default=0) + cost.and_depth
        for bit in bits:
            depth[bit] = finished
    return GateCounts(total.ands, total.bare_t, total.rotations, max(depth.values(), default=0))


def _ladder(ands: int) -> GateCounts:
    return GateCounts(ands=ands, and_depth=ands)


def _rotation(angle: float) -> GateCounts:
    if _is_multiple(angle, pi / 2):
        return GateCounts()
    return GateCounts(bare_t=1) if _is_multiple(angle, pi / 4) else GateCounts(rotations=1)


def _is_multiple(angle: float, unit: float) -> bool:
    quotient = angle / unit
    return abs(quotient - round(quotient)) < 1e-9


def _free(operation: Any) -> GateCounts:
    return GateCounts()


def _single_and(operation: Any) -> GateCounts:
    return _ladder(1)


def _bare_t(operation: Any) -> GateCounts:
    return GateCounts(bare_t=1)


def _controlled_x(operation: Any) -> GateCounts:
    return _ladder(operation.num_qubits - 2)


def _turn(operation: Any) -> GateCounts:
    return _rotation(operation.params[0])


def _controlled_phase(operation: Any) -> GateCounts:
    """Beyond one control, the others' AND controls it; by pi the phase is Clifford, else it takes three rotations."""
    angle, others = operation.params[0], _ladder(operation.num_qubits - 2)
    return others if _is_multiple(angle, pi) else others + _rotation(angle / 2) * 3


def _controlled_ry(operation: Any) -> GateCounts:
    return _rotation(operation.params[0] / 2) * 2


_CLIFFORD = (
    "and_dg", "barrier", "cx", "cz", "h", "if_else", "measure", "pauli", "reset", "s", "sdg", "swap", "x", "y", "z"
)  # fmt: skip
_COSTS: dict[str, Callable[[Any], GateCounts]] = {
    **dict.fromkeys(_CLIFFORD, _free),
    **dict.fromkeys(("and", "ccx", "ccz"), _single_and),
    **dict.fromkeys(("t", "tdg"), _bare_t),
    "mcx": _controlled_x,
    **dict.fromkeys(("p", "rx", "ry", "rz"), _turn),
    **dict.fromkeys(("cp", "mcphase"), _controlled_phase),
    "cry": _controlled_ry,
}
