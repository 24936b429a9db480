"""A valid call of every public callable that takes arguments, for tests that make one argument wrong at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import circuits
import hybrid_train
from hybrid_train.training.losses import SquaredLoss

CONFIG = {
    "data": {"kind": "sphere", "n": 6, "dim": 3},
    "network": {"width": 16},
    "training": {"steps": 1},
    "run": {"seed": 0},
}
BANK = np.eye(3) + 0.5


def _network() -> dict[str, Any]:
    return {"weights": hybrid_train.DenseBank(BANK), "output_weights": np.ones((3, 1)), "threshold": 0.5}


def _oracle() -> circuits.LookupOracle:
    return circuits.LookupOracle([1], 4)


def _deep() -> hybrid_train.DeepNetwork:
    return hybrid_train.fully_connected([4, 4], 3)


CALLS: dict[str, Callable[[], dict[str, Any]]] = {
    "ActiveSets": lambda: {
        "indptr": np.array([0, 1]),
        "indices": np.array([0]),
        "inner_products": np.array([1.0]),
        "shape": (1, 3),
        "rows": np.array([0]),
        "major": "query",
    },
    "Cost": lambda: {
        "inner_products": 1,
        "nodes_visited": 1,
        "structure_updates": 1,
        "oracle_calls": 1,
        "verifications": 1,
    },
    "DeepNetwork": lambda: {"layers": _deep().layers, "output_weights": np.ones((1, 4)), "kind": "fully_connected"},
    "DenseBank": lambda: {"vectors": BANK, "name": "vectors", "copy": True},
    "Promise": lambda: {"exact": False, "delta": 0.1},
    "SimulationCost": lambda: {"oracle_entries": 1, "circuits": 1, "gates": 1},
    "TwoLayerNetwork": lambda: _network() | {"activation": "relu", "output_scale": 1.0, "untrained": 0},
    "TwoLayerNetwork.initialize": lambda: {
        "width": 4,
        "dimension": 3,
        "outputs": 1,
        "threshold": 0.5,
        "start": "gaussian",
        "output_weight": 1.0,
        "dtype": "float64",
        "storage": "stored",
        "seed": 0,
    },
    "active_pairs": lambda: {"points": BANK, "queries": BANK, "threshold": 0.5, "rows": np.array([0])},
    "calibrated": lambda: {"network": _deep(), "inputs": BANK, "share": 0.5},
    "check_theory": lambda: {
        "config": CONFIG,
        "costs": False,
        "widths": None,
        "out": None,
        "resume": None,
        "progress": False,
    },
    "checked_rows": lambda: {"rows": np.array([0]), "count": 3, "name": "rows"},
    "compare": lambda: (
        {"config": CONFIG, "finders": ["scan"], "indexes": ["neurons"], "progress": False}
        | dict.fromkeys(("data", "test", "out", "resume"))
    ),
    "convolutional": lambda: {
        "channels": [2],
        "patches": hybrid_train.grid_patches(2, 2, 1),
        "last": 4,
        "outputs": 1,
        "input_channels": 1,
        "shared": True,
        "threshold": 0.0,
        "share": None,
        "seed": 0,
        "dtype": "float64",
    },
    "count_along": lambda: (
        {"config": CONFIG, "strategies": ["bbht"], "delta": 0.1, "seed": 0, "scope": "query"}
        | dict.fromkeys(("out", "resume"))
    ),
    "count_oracle_calls": lambda: {
        "widths": [8],
        "strategies": ["bbht"],
        "counts": None,
        "trials": 2,
        "delta": 0.1,
        "seed": 0,
        "index": "neurons",
        "n": 1,
        "newcomers": 0.01,
        "scope": "query",
        "out": None,
        "resume": None,
        "progress": False,
    },
    "fully_connected": lambda: {
        "widths": [4, 4],
        "dimension": 3,
        "outputs": 1,
        "threshold": 0.0,
        "share": None,
        "seed": 0,
        "dtype": "float64",
    },
    "grid_patches": lambda: {"height": 2, "width": 2, "kernel": 1},
    "landscape": lambda: {
        "network": _deep(),
        "inputs": BANK,
        "targets": np.zeros((3, 1)),
        "loss": SquaredLoss(),
        "reach": 0.1,
        "points": 3,
        "smoothing": 0.01,
        "krylov": 2,
        "seed": 0,
    },
    "load": lambda: {"directory": "no/such/run", "step": 0},
    "load_config": lambda: {"source": CONFIG, "overrides": ["network.width=8"]},
    "make_finder": lambda: {"kind": "scan", "seed": 0},
    "read_run": lambda: {"directory": "no/such/run"},
    "residual": lambda: {
        "width": 4,
        "depth": 2,
        "dimension": 3,
        "outputs": 1,
        "threshold": 0.0,
        "share": None,
        "seed": 0,
        "dtype": "float64",
    },
    "run": lambda: {"config": CONFIG, "progress": False} | dict.fromkeys(("data", "test", "out", "resume")),
    "shifted_kernel": lambda: {"inputs": BANK, "threshold": 0.5},
    "sweep": lambda: {
        "config": CONFIG,
        "grid": {},
        "seeds": [0],
        "out": "/dev/null/no/such/sweep",
        "scheduler": None,
        "workers": 1,
        "threads": 1,
        "progress": False,
    },
    "write_report": lambda: {"directory": "no/such/run", "out": None},
    "watch_both": lambda: {"points": BANK, "queries": BANK},
    "AerEngine": lambda: {"method": "statevector", "device": "CPU", "precision": "double"},
    "ArithmeticOracle": lambda: {
        "weights": BANK,
        "query": BANK[0],
        "threshold": 0.5,
        "bits": 3,
        "query_bits": 3,
        "done": None,
        "adder": "draper",
        "loading": None,
        "swap": 1,
        "spare": 0,
    },
    "CnfOracle": lambda: {"formula": circuits.Formula(2, ((1,),)), "layout": "counter"},
    "Formula": lambda: {"n_variables": 2, "clauses": ((1, 2),)},
    "GroverFinder": lambda: (
        {"strategy": "adaptive", "engine": "aer", "oracle": "lookup", "scope": "query", "delta": 0.1}
        | {"device": "CPU", "precision": "double", "method": "statevector"}
        | dict.fromkeys(("bits", "query_bits", "candidates", "growth", "prior", "noise"))
        | dict.fromkeys(("sampler", "pass_manager", "backend", "shots"))
    ),
    "LookupOracle": lambda: {"marked": [1], "n_items": 4},
    "Noise": lambda: {"depolarizing": 0.1, "readout": 0.1},
    "NoisyEngine": lambda: {"noise": circuits.Noise()},
    "Phases": lambda: {"oracle": np.ones(2), "diffusion": np.ones(2)},
    "SamplerEngine": lambda: {"sampler": None, "pass_manager": None, "backend": None, "shots": 1},
    "diffusion": lambda: {"n_items": 4, "phase": 1.0},
    "find_all": lambda: (
        {"oracle": [1], "n_items": 4, "strategy": "adaptive", "delta": 0.1, "engine": "closed_form"}
        | {"seed": 0, "is_marked": None, "growth": None, "prior": None}
    ),
    "fixed_point_phases": lambda: {"iterations": 2, "miss_probability": 0.1},
    "grover_circuit": lambda: {"oracle": _oracle(), "iterations": 1, "phases": None, "measure": True, "boxes": True},
    "grover_operator": lambda: {"oracle": _oracle(), "oracle_phase": 1.0, "diffusion_phase": 1.0},
    "read_dimacs": lambda: {"path": "no/such/file.cnf"},
    "success_probability": lambda: {"n_items": 4, "n_marked": 1, "iterations": 1},
    "uniform_state": lambda: {"n_items": 4},
}
"""Name -> the arguments, made anew for each call."""


def public(name: str) -> Callable[..., Any]:
    """Return what has this name, from whichever package makes it public."""
    head, *attributes = name.split(".")
    found = getattr(hybrid_train if head in hybrid_train.__all__ else circuits, head)
    for attribute in attributes:
        found = getattr(found, attribute)
    return found
