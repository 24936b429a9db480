"""Train wide networks touching only the neurons that fire; swap who finds them behind one interface.

Everything here is imported when it is first asked for, so that ``import hybrid_train`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hybrid_train.active_sets import ActiveSets
    from hybrid_train.bank import Bank, DenseBank, Motion
    from hybrid_train.config import Config, load_config
    from hybrid_train.cost import Cost, SimulationCost
    from hybrid_train.count import OracleCalls, count_oracle_calls
    from hybrid_train.count_along import CallsAlong, count_along
    from hybrid_train.deep import (
        DeepNetwork,
        calibrated,
        convolutional,
        fully_connected,
        grid_patches,
        landscape,
        residual,
    )
    from hybrid_train.errors import (
        CheckpointError,
        ConfigError,
        DataError,
        DivergenceError,
        HybridTrainError,
        InvariantError,
        ResourceError,
    )
    from hybrid_train.experiment import Comparison, RunResult, compare, run
    from hybrid_train.finder import ActiveSetFinder, Promise
    from hybrid_train.network import TwoLayerNetwork
    from hybrid_train.registry import finder_kinds, make_finder
    from hybrid_train.results import read_run
    from hybrid_train.theory import TheoryCheck, check_theory, shifted_kernel

    __version__: str

__all__ = [
    "ActiveSetFinder",
    "ActiveSets",
    "Bank",
    "CallsAlong",
    "CheckpointError",
    "Comparison",
    "Config",
    "ConfigError",
    "Cost",
    "DataError",
    "DeepNetwork",
    "DenseBank",
    "DivergenceError",
    "HybridTrainError",
    "InvariantError",
    "Motion",
    "OracleCalls",
    "Promise",
    "ResourceError",
    "RunResult",
    "SimulationCost",
    "TheoryCheck",
    "TwoLayerNetwork",
    "__version__",
    "calibrated",
    "check_theory",
    "compare",
    "convolutional",
    "count_along",
    "count_oracle_calls",
    "finder_kinds",
    "fully_connected",
    "grid_patches",
    "landscape",
    "load_config",
    "make_finder",
    "read_run",
    "residual",
    "run",
    "shifted_kernel",
]

_HOMES = {
    "active_sets": ("ActiveSets",),
    "bank": ("Bank", "DenseBank", "Motion"),
    "config": ("Config", "load_config"),
    "cost": ("Cost", "SimulationCost"),
    "count": ("OracleCalls", "count_oracle_calls"),
    "count_along": ("CallsAlong", "count_along"),
    "deep": (
        "DeepNetwork",
        "calibrated",
        "convolutional",
        "fully_connected",
        "grid_patches",
        "landscape",
        "residual",
    ),
    "errors": (
        "CheckpointError",
        "ConfigError",
        "DataError",
        "DivergenceError",
        "HybridTrainError",
        "InvariantError",
        "ResourceError",
    ),
    "experiment": ("Comparison", "RunResult", "compare", "run"),
    "finder": ("ActiveSetFinder", "Promise"),
    "network": ("TwoLayerNetwork",),
    "registry": ("finder_kinds", "make_finder"),
    "results": ("read_run",),
    "theory": ("TheoryCheck", "check_theory", "shifted_kernel"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("hybrid-train")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
