"""Grover oracles, search strategies, and the engines that simulate them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from circuits.arithmetic.oracle import ArithmeticOracle
    from circuits.cnf import CnfOracle, Formula, read_dimacs
    from circuits.engines.aer import AerEngine
    from circuits.engines.closed_form import ClosedFormEngine
    from circuits.engines.noise import Noise
    from circuits.engines.noisy import NoisyEngine
    from circuits.engines.sampler import SamplerEngine
    from circuits.finder import GroverFinder
    from circuits.grover import diffusion, grover_circuit, grover_operator, uniform_state
    from circuits.law import Phases, fixed_point_phases, success_probability
    from circuits.lookup import LookupOracle
    from circuits.oracle_search import FoundAll, find_all

_HOMES = {
    "AerEngine": "circuits.engines.aer",
    "ArithmeticOracle": "circuits.arithmetic.oracle",
    "ClosedFormEngine": "circuits.engines.closed_form",
    "CnfOracle": "circuits.cnf",
    "Formula": "circuits.cnf",
    "FoundAll": "circuits.oracle_search",
    "GroverFinder": "circuits.finder",
    "LookupOracle": "circuits.lookup",
    "Noise": "circuits.engines.noise",
    "NoisyEngine": "circuits.engines.noisy",
    "Phases": "circuits.law",
    "SamplerEngine": "circuits.engines.sampler",
    "diffusion": "circuits.grover",
    "find_all": "circuits.oracle_search",
    "fixed_point_phases": "circuits.law",
    "grover_circuit": "circuits.grover",
    "grover_operator": "circuits.grover",
    "read_dimacs": "circuits.cnf",
    "success_probability": "circuits.law",
    "uniform_state": "circuits.grover",
}

__all__ = [
    "AerEngine",
    "ArithmeticOracle",
    "ClosedFormEngine",
    "CnfOracle",
    "Formula",
    "FoundAll",
    "GroverFinder",
    "LookupOracle",
    "Noise",
    "NoisyEngine",
    "Phases",
    "SamplerEngine",
    "diffusion",
    "find_all",
    "fixed_point_phases",
    "grover_circuit",
    "grover_operator",
    "read_dimacs",
    "success_probability",
    "uniform_state",
]


def __getattr__(name: str) -> Any:
    """Import a public name where it lives, so that Qiskit is loaded only by those who build circuits."""
    if name not in _HOMES:
        raise AttributeError(f"module 'circuits' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
