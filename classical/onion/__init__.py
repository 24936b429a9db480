"""Half-space reporting in plane and space by convex layers: an answer costs O(log n + k)."""

from __future__ import annotations

from classical.onion.finder import OnionFinder

__all__ = ["OnionFinder"]
