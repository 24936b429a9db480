"""The arithmetic oracle: load the weights, multiply by the classical query in fixed point, test the sign, undo."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from circuits.arithmetic.example import example_oracle
    from circuits.arithmetic.fixed_point import FixedPointWeights, IntegerTest
    from circuits.arithmetic.oracle import ArithmeticOracle
    from circuits.arithmetic.pair_oracle import PairArithmeticOracle
    from circuits.arithmetic.reversible import run_on_basis_states

_HOMES = {
    "ArithmeticOracle": "circuits.arithmetic.oracle",
    "FixedPointWeights": "circuits.arithmetic.fixed_point",
    "IntegerTest": "circuits.arithmetic.fixed_point",
    "PairArithmeticOracle": "circuits.arithmetic.pair_oracle",
    "example_oracle": "circuits.arithmetic.example",
    "run_on_basis_states": "circuits.arithmetic.reversible",
}

__all__ = [
    "ArithmeticOracle",
    "FixedPointWeights",
    "IntegerTest",
    "PairArithmeticOracle",
    "example_oracle",
    "run_on_basis_states",
]


def __getattr__(name: str) -> Any:
    """Import a public name where it lives: closed-form counts need the fixed-point sizes but no Qiskit."""
    if name not in _HOMES:
        raise AttributeError(f"module 'circuits.arithmetic' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
