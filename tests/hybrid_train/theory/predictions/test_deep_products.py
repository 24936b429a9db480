"""Norms of products of layers against dense linear algebra, and what is left of hidden vectors."""

from __future__ import annotations

import numpy as np
import pytest

from hybrid_train.data import sphere
from hybrid_train.errors import InvariantError
from hybrid_train.network.deep import Pass, convolutional, fully_connected, residual
from hybrid_train.network.deep.convolutional_networks import grid_patches
from hybrid_train.support.arrays import FloatArray
from hybrid_train.theory.predictions import deep_products as products

INPUTS = sphere(4, 6, seed=1).inputs


@pytest.fixture(scope="module", params=["fully_connected", "residual"])
def passes(request: pytest.FixtureRequest) -> tuple[Pass, Pass]:
    start = fully_connected([40] * 4, 6, seed=1) if request.param == "fully_connected" else residual(40, 3, 6, seed=1)
    now = start.at([w + 0.02 * np.ones_like(w) for w in start.weights()])
    return start.forward(INPUTS), now.forward(INPUTS)


def dense(seen: Pass, example: int, first: int, last: int) -> FloatArray:
    found = np.eye(40)
    for number in range(first, last + 1):
        found = seen.layers[number].blocks[0].points[:] @ found
        if number < last:
            found = np.diag(seen.hidden[number][example] > 0) @ found
    return found


def test_norms_are_those_of_the_matrices(passes: tuple[Pass, Pass]) -> None:
    start, now = passes
    pairs = [(a, b) for a in (1, 2, 3) for b in range(a, 4)]
    expected = max(np.linalg.norm(dense(start, i, a, b), 2) for i in (0, 1) for a, b in pairs)
    assert products.largest_between(start, [0, 1]) == pytest.approx(expected, rel=5e-3)

    def out(seen: Pass, example: int, first: int) -> FloatArray:
        last = seen.output_weights @ np.diag(seen.hidden[3][example] > 0)
        return np.asarray(last @ dense(seen, example, first, 3) if first <= 3 else last)

    expected = max(np.linalg.norm(out(start, 0, a), 2) for a in (1, 2, 3))
    assert products.largest_to_outputs(start, [0]) == pytest.approx(expected, rel=5e-3)
    changes = [
        out(now, 0, a + 1) @ np.diag(now.hidden[a][0] > 0) - out(start, 0, a + 1) @ np.diag(start.hidden[a][0] > 0)
        for a in (1, 2, 3)
    ]
    expected = max(np.linalg.norm(change, 2) for change in changes)
    assert products.largest_backward_change(start, now, [0]) == pytest.approx(expected, rel=5e-3)


def test_separation_and_change(passes: tuple[Pass, Pass]) -> None:
    start, now = passes
    expected = min(
        np.linalg.norm(h[j] - h[i] * (h[i] @ h[j]) / (h[i] @ h[i]))
        for h in start.hidden
        for i in range(4)
        for j in range(4)
        if i != j
    )
    assert products.least_separation(start) == pytest.approx(expected)
    change = products.forward_change(start, now, 0.0)
    expected = max(np.linalg.norm(now.hidden[n] - start.hidden[n], axis=1).max() for n in (1, 2, 3))
    assert change.hidden == pytest.approx(expected)
    assert products.forward_change(start, now, 1e9).spread == 0.0
    assert 0 < products.forward_change(start, now, 0.01).spread < change.spread
    assert products.largest_backward_change(start, start, [0]) == 0.0


def test_convolutions_have_no_such_product() -> None:
    seen = convolutional([4, 4], grid_patches(3, 2, 1), seed=1).forward(INPUTS)
    assert not products.plain(seen)
    with pytest.raises(InvariantError, match="one matrix each"):
        products.layers_between(seen, 0, 1, 1)
