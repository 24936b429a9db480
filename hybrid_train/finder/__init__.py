"""The one idea: a finder watches two banks of vectors and says which points lie in each query's open half-space."""

from __future__ import annotations

from hybrid_train.finder.interface import APPROXIMATE, EXACT, ActiveSetFinder, Promise

__all__ = ["APPROXIMATE", "EXACT", "ActiveSetFinder", "Promise"]
