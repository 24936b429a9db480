"""Half-space reporting: a dynamic tree over boxes, whole boxes pruned or reported (PRE Algorithms 1 and 4)."""

from __future__ import annotations

from classical.hsr.finder import HSRFinder

__all__ = ["HSRFinder"]
