"""Train wide networks touching only the neurons that fire; swap who finds them behind one interface.

Everything here is imported when it is first asked for, so that ``import hybrid_train`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hybrid_train.config import Config, load_config
    from hybrid_train.errors import (
        CheckpointError,
        ConfigError,
        DataError,
        DivergenceError,
        HybridTrainError,
        InvariantError,
        PluginError,
        ResourceError,
    )
    from hybrid_train.estimators import SparseTwoLayerClassifier, SparseTwoLayerRegressor
    from hybrid_train.experiments.model import Model, load
    from hybrid_train.experiments.reporting import write_report
    from hybrid_train.experiments.results import read_run
    from hybrid_train.experiments.runs import Comparison, RunResult, compare, run
    from hybrid_train.finder.active_sets import ActiveSets
    from hybrid_train.finder.bank import Bank, DenseBank, Motion, checked_rows, watch_both
    from hybrid_train.finder.cost import Cost, SimulationCost
    from hybrid_train.finder.interface import APPROXIMATE, EXACT, ActiveSetFinder, Promise
    from hybrid_train.finder.registry import finder_kinds, make_finder
    from hybrid_train.finder.scan import active_pairs
    from hybrid_train.finder.watching import WatchingFinder
    from hybrid_train.network.deep import (
        DeepNetwork,
        calibrated,
        convolutional,
        fully_connected,
        grid_patches,
        residual,
    )
    from hybrid_train.network.two_layer import TwoLayerNetwork
    from hybrid_train.studies.count import OracleCalls, count_oracle_calls
    from hybrid_train.studies.count_along import CallsAlong, count_along
    from hybrid_train.sweeps.engine import Sweep, sweep
    from hybrid_train.theory import TheoryCheck, check_theory, shifted_kernel
    from hybrid_train.theory.landscapes import landscape
    from hybrid_train.training.following import FollowingFinder

    __version__: str

__all__ = [
    "APPROXIMATE",
    "EXACT",
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
    "FollowingFinder",
    "HybridTrainError",
    "InvariantError",
    "Model",
    "Motion",
    "OracleCalls",
    "PluginError",
    "Promise",
    "ResourceError",
    "RunResult",
    "SimulationCost",
    "SparseTwoLayerClassifier",
    "SparseTwoLayerRegressor",
    "Sweep",
    "TheoryCheck",
    "TwoLayerNetwork",
    "WatchingFinder",
    "__version__",
    "active_pairs",
    "calibrated",
    "check_theory",
    "checked_rows",
    "compare",
    "convolutional",
    "count_along",
    "count_oracle_calls",
    "finder_kinds",
    "fully_connected",
    "grid_patches",
    "landscape",
    "load",
    "load_config",
    "make_finder",
    "read_run",
    "residual",
    "run",
    "shifted_kernel",
    "sweep",
    "watch_both",
    "write_report",
]

_HOMES = {
    "config": (
        "Config",
        "load_config",
    ),
    "errors": (
        "CheckpointError",
        "ConfigError",
        "DataError",
        "DivergenceError",
        "HybridTrainError",
        "InvariantError",
        "PluginError",
        "ResourceError",
    ),
    "estimators": (
        "SparseTwoLayerClassifier",
        "SparseTwoLayerRegressor",
    ),
    "experiments.model": (
        "Model",
        "load",
    ),
    "experiments.reporting": ("write_report",),
    "experiments.results": ("read_run",),
    "experiments.runs": (
        "Comparison",
        "RunResult",
        "compare",
        "run",
    ),
    "finder.active_sets": ("ActiveSets",),
    "finder.bank": (
        "Bank",
        "DenseBank",
        "Motion",
        "checked_rows",
        "watch_both",
    ),
    "finder.cost": (
        "Cost",
        "SimulationCost",
    ),
    "finder.interface": (
        "APPROXIMATE",
        "EXACT",
        "ActiveSetFinder",
        "Promise",
    ),
    "finder.registry": (
        "finder_kinds",
        "make_finder",
    ),
    "finder.scan": ("active_pairs",),
    "finder.watching": ("WatchingFinder",),
    "network.deep": (
        "DeepNetwork",
        "calibrated",
        "convolutional",
        "fully_connected",
        "grid_patches",
        "residual",
    ),
    "network.two_layer": ("TwoLayerNetwork",),
    "studies.count": (
        "OracleCalls",
        "count_oracle_calls",
    ),
    "studies.count_along": (
        "CallsAlong",
        "count_along",
    ),
    "sweeps.engine": (
        "Sweep",
        "sweep",
    ),
    "theory": (
        "TheoryCheck",
        "check_theory",
        "shifted_kernel",
    ),
    "theory.landscapes": ("landscape",),
    "training.following": ("FollowingFinder",),
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
