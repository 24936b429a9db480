"""Locality-sensitive hashing as in SLIDE: approximate, for comparison."""

from __future__ import annotations

from classical.lsh.finder import LSHFinder

__all__ = ["LSHFinder"]
