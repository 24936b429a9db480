"""The inner product: the same wherever its vectors lie."""

from __future__ import annotations

import numpy as np

from hybrid_train.support.kernels import dot


def test_dot_does_not_depend_on_the_place_in_memory() -> None:
    rng = np.random.default_rng(1)
    for size in (5, 8, 31, 100):
        buffer, q = np.zeros(size + 9), rng.standard_normal(size)
        p = rng.standard_normal(size)
        values = set()
        for shift in range(9):
            buffer[shift : shift + size] = p
            values.add(dot(buffer[shift : shift + size], q))
        assert len(values) == 1
