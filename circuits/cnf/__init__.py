"""Boolean formulas in conjunctive normal form: read from DIMACS files, compiled to oracles."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from circuits.cnf.dimacs import read_dimacs
    from circuits.cnf.formula import Formula
    from circuits.cnf.oracle import CnfOracle

_HOMES = {
    "CnfOracle": "circuits.cnf.oracle",
    "Formula": "circuits.cnf.formula",
    "read_dimacs": "circuits.cnf.dimacs",
}

__all__ = ["CnfOracle", "Formula", "read_dimacs"]


def __getattr__(name: str) -> Any:
    """Import a public name where it lives: reading a formula needs no Qiskit."""
    if name not in _HOMES:
        raise AttributeError(f"module 'circuits.cnf' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
