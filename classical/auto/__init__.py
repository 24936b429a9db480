"""Choosing a finder by trying them on the banks at hand."""

from __future__ import annotations

from classical.auto.finder import AutoFinder

__all__ = ["AutoFinder"]
