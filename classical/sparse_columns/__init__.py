"""Inner products with sparse queries, over their active coordinates alone."""

from __future__ import annotations

from classical.sparse_columns.finder import SparseColumnsFinder

__all__ = ["SparseColumnsFinder"]
