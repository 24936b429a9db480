"""Trees of maxima over all inner products: the successor of half-space reporting, for comparison."""

from __future__ import annotations

from classical.correlation_tree.finder import CorrelationTreeFinder

__all__ = ["CorrelationTreeFinder"]
