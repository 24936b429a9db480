"""The margins of row lists cover what their own arithmetic rounds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from classical.dynamics.rows.layout import make_world, margin_of
from hybrid_train.finder.bank import DenseBank
from hybrid_train.network import TwoLayerNetwork


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_product_in_the_precision_of_the_weights_lies_within_the_margin(dtype: Any) -> None:
    rng = np.random.default_rng(2)
    weights, x = rng.standard_normal((50, 70)).astype(dtype), rng.standard_normal((40, 70))
    network = TwoLayerNetwork(DenseBank(weights), np.ones((50, 1)), 1.0)
    rule = make_world(network, x, np.array([0.1])).rule
    rough = (weights @ x.astype(dtype).T).astype(np.float64)
    exact = weights.astype(np.float64) @ x.T
    norms = np.linalg.norm(weights.astype(np.float64), axis=1), np.linalg.norm(x, axis=1)
    margins = np.array([[margin_of(rule, row, column) for column in norms[1]] for row in norms[0]])
    assert (np.abs(rough - exact) <= margins).all()
    assert dtype == np.float64 or (np.abs(rough - exact) > 1e-3 * margins).any()
