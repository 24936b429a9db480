"""The arithmetic oracles of a search: one for each query over the same points, or one over all pairs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, final

import numpy as np
import numpy.typing as npt

from circuits.arithmetic.fixed_point import FixedPointWeights
from hybrid_train.support.arrays import FloatArray, IntArray

if TYPE_CHECKING:
    from circuits.arithmetic.pair_oracle import PairArithmeticOracle
    from circuits.oracle import Oracle


class Rounding(ABC):
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
        """Return (query, point) of the marked pairs, row by row."""
        queries, points = np.nonzero(self._marks)
        return queries, points

    @abstractmethod
    def oracle(self, search: int, left: IntArray) -> Oracle:
        """Return one search's oracle once only ``left`` of its items are still to be marked."""


@final
class QueryRounding(Rounding):
    """One oracle for each query: its number is that of the search."""

    def oracle(self, search: int, left: IntArray) -> Oracle:
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


@final
class PairRounding(Rounding):
    """One oracle over all pairs; what is done is turned back after it."""

    def oracle(self, search: int, left: IntArray) -> Oracle:
        from circuits.excluding import ExcludingOracle

        done = self._marks.reshape(-1).copy()
        done[left] = False
        if not done.any():
            return self._oracle
        return ExcludingOracle(self._oracle, np.flatnonzero(done), self._oracle.register)

    @cached_property
    def _oracle(self) -> PairArithmeticOracle:
        from circuits.arithmetic.pair_oracle import PairArithmeticOracle

        return PairArithmeticOracle(self._weights, self._queries, self._threshold, self._query_bits)
