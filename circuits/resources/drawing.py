"""Pictures of arithmetic oracles: every gate of a small one, its blocks named; the blocks alone of a large one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, Rectangle
from qiskit import QuantumCircuit

from circuits.arithmetic.oracle import ArithmeticOracle
from circuits.arithmetic.program import Program
from circuits.resources.counting import count_circuit
from hybrid_train.errors import ConfigError

_COLOURS = {
    "preset": "#d9d9d9",
    "load": "#a6cee3",
    "multiply-add": "#b2df8a",
    "sign": "#fdbf6f",
    "phase": "#fb9a99",
    "flag": "#fb9a99",
    "unload": "#cab2d6",
}
_INK = "#222222"
_MOST_LAYERS = 400
_MOST_DRAWN = 20_000
"""Gates; so many more than columns do not fit into a picture, however few qubits each has."""
_LAYERS_A_ROW = 56
_BLOCKS_A_ROW = 13
_GATE = 0.34
_NOTATION = "⊕ X     ● control"
_AND_NOTATION = "∧ AND of two qubits onto a clean one, 4 T     ∧† its erasure, no T if measured     "


@final
@dataclass(frozen=True)
class _Placed:
    """One gate in the picture: its qubits as rows, in the gate's own order, and the column it stands in."""

    operation: Any
    rows: list[int]
    layer: int


@final
@dataclass(frozen=True)
class _Group:
    """One section in the picture, on columns ``start`` to ``stop`` exclusive."""

    name: str
    start: int
    stop: int
    gates: list[_Placed]


def draw(oracle: ArithmeticOracle, path: str | Path, *, gates: bool | None = None, title: str | None = None) -> None:
    """Write a picture of the phase oracle's circuit.

    Args:
        oracle: what to draw.
        path: a ``.png``, ``.pdf`` or ``.svg`` file.
        gates: True for every gate of the unitary circuit; False for the named blocks on the registers, with the ANDs
            of the measured circuit where there is one. By default gates while they fit.
        title: written above.

    Raises:
        ConfigError: a file type that cannot be written, or more gates than a picture can show.
    """
    if Path(path).suffix not in (".png", ".pdf", ".svg"):
        raise ConfigError(f"path={str(path)!r}: must end in .png, .pdf or .svg")
    program = oracle.program()
    groups = _placed(program) if len(program.circuit.data) <= _MOST_DRAWN or gates else []
    layers = groups[-1].stop if groups else _MOST_LAYERS + 1
    if gates and layers > _MOST_LAYERS:
        raise ConfigError(f"gates=True: {layers} columns of gates are too many to read; leave it out to draw blocks")
    show_gates = layers <= _MOST_LAYERS if gates is None else gates
    if show_gates:
        figure = _gate_figure(program.circuit, groups)
    else:
        figure = _block_figure(oracle.program(measured=oracle.adder == "gidney"))
    if title is not None:
        figure.suptitle(title, fontsize=10, color=_INK)
    figure.savefig(path, dpi=150, bbox_inches="tight")


def _placed(program: Program) -> list[_Group]:
    """Give every gate the first column in which nothing lies between its outermost qubits."""
    row = {qubit: at for at, qubit in enumerate(program.circuit.qubits)}
    start, groups = 0, []
    for section in program.sections:
        free = [start] * len(row)
        placed = []
        for instruction in program.circuit.data[section.start : section.stop]:
            if instruction.operation.name != "barrier":
                rows = [row[qubit] for qubit in instruction.qubits]
                span = range(min(rows), max(rows) + 1)
                layer = max(free[at] for at in span)
                placed.append(_Placed(instruction.operation, rows, layer))
                for at in span:
                    free[at] = layer + 1
        stop = max(*free, start + 1)
        groups.append(_Group(section.name, start, stop, placed))
        start = stop
    return groups


def _gate_figure(circuit: QuantumCircuit, groups: Sequence[_Group]) -> Figure:
    n_layers, n_qubits = groups[-1].stop, circuit.num_qubits
    n_rows = -(-n_layers // _LAYERS_A_ROW)
    columns = min(n_layers, _LAYERS_A_ROW)
    height = n_qubits + 2.0
    figure = Figure(figsize=(0.27 * columns + 1.6, 0.27 * height * n_rows + 0.5))
    axes = figure.subplots(n_rows, 1, squeeze=False)[:, 0]
    names = _qubit_names(circuit)
    for number, axis in enumerate(axes):
        first = number * _LAYERS_A_ROW
        last = min(first + columns, n_layers)
        _wires(axis, names, first, last, columns)
        for group in groups:
            if group.start < last and group.stop > first:
                _shade(axis, group.name, max(group.start, first), min(group.stop, last), n_qubits)
                for gate in group.gates:
                    if first <= gate.layer < last:
                        _draw_gate(axis, gate)
    has_ands = any(gate.operation.name == "and" for group in groups for gate in group.gates)
    notation = (_AND_NOTATION if has_ands else "") + _NOTATION
    axes[-1].text((n_rows - 1) * _LAYERS_A_ROW - 0.5, n_qubits + 0.4, notation, fontsize=8, color=_INK, va="top")
    return figure


def _qubit_names(circuit: QuantumCircuit) -> list[str]:
    return [f"{register.name} {at}" for register in circuit.qregs for at in range(register.size)]


def _wires(axis: Axes, names: Sequence[str], first: int, last: int, columns: int) -> None:
    axis.set_xlim(first - 1.0, first + columns)
    axis.set_ylim(len(names) + 0.2, -1.8)
    axis.set_aspect("equal")
    axis.axis("off")
    for row, name in enumerate(names):
        axis.plot([first - 0.5, last - 0.5], [row, row], color="#888888", linewidth=0.6, zorder=1)
        axis.text(first - 0.7, row, name, ha="right", va="center", fontsize=7, color=_INK)


def _shade(axis: Axes, name: str, start: int, stop: int, n_qubits: int) -> None:
    box = Rectangle((start - 0.5, -0.7), stop - start, n_qubits + 0.4, color=_colour(name), alpha=0.45, linewidth=0)
    box.set_zorder(0)
    axis.add_patch(box)
    axis.plot([start - 0.5, start - 0.5], [-0.7, n_qubits - 0.3], color="white", linewidth=1.5, zorder=0.5)
    narrow = stop - start < 0.55 * len(name)
    axis.text(
        (start + stop - 1) / 2 if not narrow else start - 0.3,
        -0.85,
        name,
        ha="left" if narrow else "center",
        va="bottom",
        rotation=35 if narrow else 0,
        fontsize=7,
        color=_INK,
    )


def _colour(name: str) -> str:
    for key in ("preset", "unload", "load", "phase", "flag", "sign"):
        if key in name:
            return _COLOURS[key]
    return _COLOURS["preset"] if name == "unset" else _COLOURS["multiply-add"]


def _draw_gate(axis: Axes, gate: _Placed) -> None:
    x, rows, name = gate.layer, gate.rows, gate.operation.name
    if len(rows) > 1:
        axis.plot([x, x], [min(rows), max(rows)], color=_INK, linewidth=0.9, zorder=2)
    *controls, target = rows
    for control in controls:
        axis.add_patch(Circle((x, control), 0.13, color=_INK, zorder=3))
    if name in ("x", "cx", "ccx", "mcx"):
        axis.add_patch(Circle((x, target), 0.26, facecolor="white", edgecolor=_INK, linewidth=0.9, zorder=3))
        axis.plot([x - 0.26, x + 0.26], [target, target], color=_INK, linewidth=0.9, zorder=4)
        axis.plot([x, x], [target - 0.26, target + 0.26], color=_INK, linewidth=0.9, zorder=4)
    elif name in ("cz", "cp"):
        axis.add_patch(Circle((x, target), 0.13, color=_INK, zorder=3))
    else:
        label = {"and": "∧", "and_dg": "∧†", "h": "H", "z": "Z", "p": "P"}[name]
        corner, side = (x - _GATE, target - _GATE), 2 * _GATE
        axis.add_patch(Rectangle(corner, side, side, facecolor="white", edgecolor=_INK, linewidth=0.8, zorder=3))
        axis.text(x, target, label, ha="center", va="center", fontsize=6.5, color=_INK, zorder=4)


def _block_figure(program: Program) -> Figure:
    """Draw registers as single lines and sections as boxes over the registers that they touch."""
    registers = [(register.name, set(register)) for register in program.circuit.qregs]
    parts = list(_parts(program))
    columns = min(len(parts), _BLOCKS_A_ROW)
    n_rows = -(-len(parts) // columns)
    figure = Figure(figsize=(1.15 * columns + 1.8, (0.75 * len(registers) + 0.8) * n_rows))
    for number, axis in enumerate(figure.subplots(n_rows, 1, squeeze=False)[:, 0]):
        axis.set_xlim(-1.4, columns)
        axis.set_ylim(len(registers) - 0.2, -0.8)
        axis.axis("off")
        shown = parts[number * columns : (number + 1) * columns]
        for row, (name, qubits) in enumerate(registers):
            axis.plot([-0.5, len(shown) - 0.5], [row, row], color="#888888", linewidth=1.0, zorder=1)
            axis.text(-0.6, row, f"{name} /{len(qubits)}", ha="right", va="center", fontsize=9, color=_INK)
        for x, (name, part) in enumerate(shown):
            touched = {qubit for instruction in part.data for qubit in instruction.qubits}
            rows = [row for row, (_, qubits) in enumerate(registers) if touched & qubits] or [len(registers) - 1]
            _draw_block(axis, x, rows, name, count_circuit(part).ands)
    return figure


def _draw_block(axis: Axes, x: int, rows: Sequence[int], name: str, ands: int) -> None:
    low, high = min(rows), max(rows)
    box = FancyBboxPatch(
        (x - 0.42, low - 0.3), 0.84, high - low + 0.6, boxstyle="round,pad=0.02", facecolor=_colour(name)
    )
    box.set(edgecolor=_INK, linewidth=0.8, zorder=2)
    axis.add_patch(box)
    for row in set(range(low, high)) - set(rows):
        axis.plot([x - 0.45, x + 0.45], [row, row], color="#888888", linewidth=1.0, zorder=3)
    text = name.replace(", ", ",\n").replace("-subtract", "-\nsubtract") + (f"\n{ands} ANDs" if ands else "")
    axis.text(x, low + 0.5 * (high > low), text, ha="center", va="center", fontsize=7, zorder=4)


def _parts(program: Program) -> Iterator[tuple[str, QuantumCircuit]]:
    """Yield each section as a circuit of its own; barriers do not count as touching a register."""
    for section in program.sections:
        part = program.circuit.copy_empty_like()
        for instruction in program.circuit.data[section.start : section.stop]:
            if instruction.operation.name != "barrier":
                part.append(instruction)
        yield section.name, part
