"""What the server of :mod:`tests.support.forks` imports before it forks: all that commands import, Numba at work.

The function compiled here is nobody's; no kernel of the program is compiled or loaded in the server.
"""

from __future__ import annotations

from importlib import import_module

import numba

for _name in (
    "circuits.engines.aer",
    "circuits.finder",
    "classical.auto",
    "classical.dynamics.deep.dynamics",
    "classical.hsr",
    "classical.training",
    "hybrid_train.cli.program",
    "hybrid_train.estimators",
    "hybrid_train.experiments.runs",
    "hybrid_train.experiments.starts.deep",
    "hybrid_train.experiments.starts.two_layer",
    "hybrid_train.experiments.table",
    "hybrid_train.report.figures",
    "hybrid_train.report.oracle_calls",
    "hybrid_train.report.theory",
    "hybrid_train.studies.count",
    "hybrid_train.studies.count_table",
    "hybrid_train.theory.check",
    "matplotlib.figure",
    "scipy.stats",
    "sklearn.datasets",
):
    import_module(_name)

numba.njit(lambda: 0)()
