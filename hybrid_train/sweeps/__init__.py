"""Many training runs side by side, each of them once: see :func:`hybrid_train.sweeps.engine.sweep`."""

from __future__ import annotations

from hybrid_train.sweeps.engine import Sweep, sweep

__all__ = ["Sweep", "sweep"]
