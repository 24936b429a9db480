"""The arithmetic oracles of several searches over the same points, one for each query."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import numpy as np
import numpy.typing as npt

from circuits.arithmetic.fixed_point import FixedPointWeights
from hybrid_train.support.arrays import FloatArray, IntArray

if TYPE_CHECKING:
    from circuits.arithmetic.oracle import ArithmeticOracle


@final
class Rounding:
    """Points and queries in fixed point, and what their oracles mark: every active point, and perhaps a few more.

    Args:
        points: (m, d).
        queries: (S, d).
        threshold: b.
        bits: p of a point's component.
        query_bits: p_x of a query's component.

    Raises:
        ConfigError: bits out of range.
    """

    def __init__(self, points: FloatArray, queries: FloatArray, threshold: float, bits: int, query_bits: int) -> None:
        self._weights = FixedPointWeights(points, bits)
        self._queries, self._threshold, self._query_bits = queries, threshold, query_bits
        tests = [self._weights.integer_test(query, threshold, query_bits) for query in queries]
        self._marks: npt.NDArray[np.bool_] = np.array([test.marks(self._weights.words) for test in tests])

    def marked(self) -> tuple[IntArray, IntArray]:
        """Return (indptr, indices) of the marked items, a row for each query."""
        return np.concatenate([[0], np.cumsum(self._marks.sum(axis=1))]), np.nonzero(self._marks)[1]

    def oracle(self, search: int, left: IntArray) -> ArithmeticOracle:
        """Return the circuit of one search's oracle once only ``left`` of its items are still to be marked."""
        from circuits.arithmetic.oracle import ArithmeticOracle

        done = self._marks[search].copy()
        done[left] = False
        return ArithmeticOracle(
            self._weights,
            self._queries[search],
            self._threshold,
            query_bits=self._query_bits,
            done=done if done.any() else None,
        )
