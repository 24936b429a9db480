"""The one idea: a finder watches two banks of vectors and says which points lie in each query's open half-space.

What is named here is imported when it is first asked for: ``hybrid-train finders`` answers without any of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hybrid_train.finder.interface import APPROXIMATE, EXACT, ActiveSetFinder, Promise

__all__ = ["APPROXIMATE", "EXACT", "ActiveSetFinder", "Promise"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from hybrid_train.finder import interface

    return getattr(interface, name)
