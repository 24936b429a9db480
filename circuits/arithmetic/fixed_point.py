"""Fixed-point weights and queries, rounded so that an integer test never misses an active point."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, isfinite, isqrt
from typing import Any, Literal, final

import numpy as np
import numpy.typing as npt

from hybrid_train.errors import ConfigError, DataError
from hybrid_train.finder.bank import checked_vectors
from hybrid_train.finder.predicate import norm_bounds, rounding_margin
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.checks import checked_finite

_SCALE_BITS = 24
"""Mantissa bits of the weights' step: step * word is then exact in float64, and so is the residual (Sterbenz)."""

_UNDERFLOW = Fraction(1, 1 << 1074)


def accumulator_bits(dimension: int, bits: int, query_bits: int) -> int:
    """Return a, the two's-complement bits that hold the sum minus its threshold: p + p_x + ceil(log2 d).

    Words are at most 2^(p-1) - 1 and query integers 2^(p_x-1) - 1 in size, so |S| <= M with
    M = d (2^(p-1) - 1)(2^(p_x-1) - 1). A threshold outside [-M - 1, M] decides nothing that its nearest end does not,
    so S - (T + 1) lies in [-2M - 1, 2M], and 2M + 1 <= 2^(a-1). Partial sums may wrap: only the last one is read.

    Args:
        dimension: d.
        bits: p of a weight.
        query_bits: p_x of a query component.
    """
    return bits + query_bits + (dimension - 1).bit_length()


def signed_digits(value: int) -> list[tuple[int, int]]:
    """Return the non-adjacent form of an integer: pairs (shift, sign), lowest shift first, no two shifts adjacent.

    It has the fewest nonzero digits of all signed-binary forms, a third of the length on average (Reitwiesner 1960).
    """
    digits = []
    shift = 0
    while value:
        if value & 1:
            sign = 2 - (value & 3)
            digits.append((shift, sign))
            value -= sign
        value >>= 1
        shift += 1
    return digits


@final
@dataclass(frozen=True, eq=False)
class IntegerTest:
    """The half-space of one query in integers: point r is marked when sum_j words[r, j] query[j] > threshold.

    Attributes:
        query: (d,) integers below 2^(p_x - 1) in size.
        threshold: T, clamped to [-M - 1, M] with M the largest possible sum.
        width: a, the bits of an accumulator that holds every S - (T + 1).
    """

    query: IntArray
    threshold: int
    width: int

    def marks(self, words: IntArray) -> npt.NDArray[np.bool_]:
        """Return (m,) which points the integer test marks; for checking, not for building an oracle.

        Args:
            words: (m, d) integers.
        """
        marked: npt.NDArray[np.bool_] = words @ self.query > self.threshold
        return marked


@final
class FixedPointWeights:
    """Points rounded to signed p-bit words with one common step, and what that rounding may have cost.

    Args:
        weights: (m, d) numbers.
        bits: p, 2 to 24; words lie in [-(2^(p-1) - 1), 2^(p-1) - 1].

    Raises:
        ConfigError: ``bits`` out of range.
        DataError: the weights are not a finite (m, d) array.

    Attributes:
        words: (m, d) integers.
        bits: p.
    """

    def __init__(self, weights: npt.ArrayLike, bits: int) -> None:
        self.bits = checked_bits(bits, "bits")
        vectors = checked_vectors(weights, "weights").astype(np.float64)
        largest = float(np.abs(vectors).max())
        exponent = int(np.frexp(largest)[1])
        scaled = np.ldexp(vectors, -exponent)
        step = _rounded_up(float(np.ldexp(largest, -exponent)) / (2 ** (bits - 1) - 1)) if largest else 1.0
        rounded = np.rint(scaled / step)
        residuals = scaled - step * rounded
        self.words: IntArray = rounded.astype(np.int64)
        self._unit = Fraction(2) ** exponent
        self._step = Fraction(step)
        self._words_range = self.words.min(axis=0).tolist(), self.words.max(axis=0).tolist()
        self._residual_range = residuals.min(axis=0).tolist(), residuals.max(axis=0).tolist()
        self._norms = tuple(float(norm_bounds(rows).max()) for rows in (vectors, rounded, residuals))

    def integer_test(self, query: npt.ArrayLike, threshold: float, query_bits: int) -> IntegerTest:
        """Return an integer half-space that holds every point whose deciding inner product exceeds the threshold.

        With w = s (W + e) and x = t X + f, <w, x> = s t <W, X> + s <W, f> + s <e, x>. The last two terms are at most
        U, without looking at any product: each is bounded by the least and greatest entry of each column, and by
        the largest norm of a row. The deciding value differs from <w, x> by at most the predicate's rounding margin.
        So the test is <W, X> > floor((b - margin - U) / (s t)). All of this is in exact rational arithmetic.

        Args:
            query: (d,) x.
            threshold: b, finite.
            query_bits: p_x, 2 to 24.

        Raises:
            ConfigError: ``query_bits`` out of range or a threshold that is not finite.
            DataError: a query of another dimension, or not finite.
        """
        checked_bits(query_bits, "query_bits")
        threshold = checked_finite(threshold, "threshold")
        vector = checked_vectors(_one_row(query), "query").astype(np.float64)
        dimension = self.words.shape[1]
        if vector.shape[1] != dimension:
            raise DataError(f"query: dimension {vector.shape[1]} does not fit weights of dimension {dimension}")
        exact = [Fraction(value) for value in vector[0].tolist()]
        step = max(abs(value) for value in exact) / (2 ** (query_bits - 1) - 1) or Fraction(1)
        rounded = [round(value / step) for value in exact]
        largest_sum = (2 ** (self.bits - 1) - 1) * sum(abs(value) for value in rounded)
        norm = float(norm_bounds(vector)[0])
        margin = float(rounding_margin(dimension, self._norms[0], norm))
        if isfinite(margin):
            rests = [value - step * integer for value, integer in zip(exact, rounded, strict=True)]
            lost = self._step * self._largest_word_product(rests) + self._largest_residual_product(exact)
            least = Fraction(threshold) - Fraction(margin) - self._unit * lost
            cut = floor(least / (self._unit * self._step * step))
            cut = min(max(cut, -largest_sum - 1), largest_sum)
        else:
            cut = -largest_sum - 1
        width = accumulator_bits(dimension, self.bits, query_bits)
        return IntegerTest(np.array(rounded, np.int64), cut, width)

    def _largest_word_product(self, vector: list[Fraction]) -> Fraction:
        """Return a bound on <W_r, vector> over all rows r."""
        return _largest_product(self._words_range, self._norms[1], vector)

    def _largest_residual_product(self, vector: list[Fraction]) -> Fraction:
        """Return a bound on <e_r, vector> over all rows r, in units of the step's own unit."""
        underflow = _UNDERFLOW * sum(abs(value) for value in vector)
        return _largest_product(self._residual_range, self._norms[2], vector) + underflow

    def spurious(self, test: IntegerTest, active: FloatArray | IntArray) -> int:
        """Return how many points the integer test marks beyond the active ones.

        Args:
            test: of one query.
            active: (k,) indices of the points that are active by the predicate.
        """
        return int(test.marks(self.words).sum()) - len(active)


def _largest_product(columns: tuple[list[float], list[float]], norm: float, vector: list[Fraction]) -> Fraction:
    """Return a bound on <row, vector>, from the range of each column and from the largest norm of a row."""
    by_column = sum(
        (max(Fraction(low) * value, Fraction(high) * value) for low, high, value in zip(*columns, vector, strict=True)),
        Fraction(0),
    )
    return min(by_column, Fraction(norm) * _norm_bound(vector))


def _norm_bound(vector: list[Fraction]) -> Fraction:
    """Return a rational upper bound of the Euclidean norm, tight to 2^-32."""
    scale = max(abs(value) for value in vector)
    if not scale:
        return Fraction(0)
    squares = sum((value / scale) ** 2 for value in vector)
    return scale * Fraction(isqrt(ceil(squares * (1 << 64))) + 1, 1 << 32)


def _one_row(query: npt.ArrayLike) -> npt.NDArray[Any]:
    try:
        return np.asarray(query)[None]
    except (TypeError, ValueError):
        raise DataError("query: expected an array of shape (d,), got a ragged list") from None


def _rounded_up(value: float) -> float:
    mantissa, exponent = np.frexp(value)
    return float(np.ldexp(np.ceil(np.ldexp(mantissa, _SCALE_BITS)), int(exponent) - _SCALE_BITS))


def checked_bits(bits: int, name: str) -> int:
    """Return ``bits`` if fixed-point numbers can have so many.

    Raises:
        ConfigError: they cannot.
    """
    if isinstance(bits, bool) or not isinstance(bits, int | np.integer) or not 2 <= bits <= _SCALE_BITS:
        raise ConfigError(f"{name}={bits!r}: fixed-point numbers need 2 to {_SCALE_BITS} bits, sign included")
    return int(bits)


Variant = Literal["all", "coordinate", "draper"]
"""Ripple adders with all words loaded at once or coordinate by coordinate; Fourier adders by coordinate."""
