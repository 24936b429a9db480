"""What a finder found against what the dense scan finds."""

from __future__ import annotations

from typing import Any

import numpy as np

from hybrid_train.finder import ActiveSetFinder
from hybrid_train.finder.scan import active_pairs


def assert_like_scan(finder: ActiveSetFinder, points: Any, queries: Any, threshold: float, rows: Any = None) -> None:
    """Raise AssertionError unless sets, their order and inner products are the scan's to the last bit."""
    found, truth = finder.find(rows), active_pairs(points, queries, threshold, rows)
    assert found.shape == truth.shape
    for name in ("rows", "indptr", "indices", "inner_products"):
        np.testing.assert_array_equal(getattr(found, name), getattr(truth, name))


def assert_close_to_scan(
    finder: ActiveSetFinder, points: Any, queries: Any, threshold: float, rows: Any = None
) -> None:
    """Likewise for a finder that keeps inner products: the sets are the scan's, the products within rounding."""
    found, truth = finder.find(rows), active_pairs(points, queries, threshold, rows)
    assert found.same_sets(truth)
    found = found.by_query()
    np.testing.assert_allclose(
        found.inner_products[np.lexsort((found.indices, found.query_ids))],
        truth.inner_products[np.lexsort((truth.indices, truth.query_ids))],
        rtol=1e-8,
        atol=1e-8,
    )
