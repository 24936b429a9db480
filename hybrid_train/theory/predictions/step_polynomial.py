"""The polynomials of ADV section 4: what they are of degree, and how complex the theory takes them to be.

q is 1 where <x_i, x> says that x lies in the ball of x_i, and 0 where it lies in that of another example; f* = sum_i
y_i q(<x_i, x>) fits every ball.
"""

from __future__ import annotations

import decimal
import math
from dataclasses import dataclass
from decimal import Decimal
from typing import final

import numpy as np
from numpy.polynomial import Chebyshev
from scipy.special import erf, erfcinv

from hybrid_train.support.arrays import FloatArray

MOST_DEGREE = 4096
"""Polynomials are looked for up to this one."""

_MOST_EXPANDED = 400
"""Degrees whose coefficients are written out."""

_LN10 = math.log(10.0)


@final
@dataclass(frozen=True, eq=False)
class StepPolynomial:
    """A polynomial of ADV Claim 4.3.

    Attributes:
        series: in Chebyshev's polynomials on [-1, 1].
        low: it is within ``error`` of 0 up to here.
        high: and of 1 from here on.
        error: the largest deviation, on a grid.
    """

    series: Chebyshev
    low: float
    high: float
    error: float

    @property
    def degree(self) -> int:
        """Of the polynomial."""
        return int(self.series.degree())

    def coefficients(self) -> list[Decimal] | None:
        """Return alpha_j of the powers z^j, exact to 20 digits; None for a degree above 400."""
        return _powers(np.asarray(self.series.coef, np.float64)) if self.degree <= _MOST_EXPANDED else None


def degree_bound(gamma: float, error: float) -> float:
    """Return M = 24 ln(16 / error) / gamma, the degree that suffices (ADV Claim 4.3).

    Args:
        gamma: separability, delta (delta - 2 rho).
        error: epsilon_1.
    """
    return 24.0 * math.log(16.0 / error) / gamma


def step_polynomial(delta: float, rho: float, error: float) -> StepPolynomial | None:
    """Return a polynomial of ADV Claim 4.3 of about the least degree; None if that exceeds 4096.

    It is the smoothest error function that is within a quarter of the error at both ends, cut off where its
    coefficients in Chebyshev's polynomials add up to another quarter.

    Args:
        delta: least distance of two examples.
        rho: radius of the balls, less than delta / 2.
        error: epsilon_1, in (0, 1).
    """
    low, high = 1.0 - (delta - rho) ** 2 / 2.0, 1.0 - rho**2 / 2.0
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    steep = float(erfcinv(0.5 * error)) / half
    if steep > MOST_DEGREE:
        return None
    count = 4 * MOST_DEGREE
    nodes = np.cos(np.pi * (np.arange(count) + 0.5) / count)
    coefficients = _interpolated(0.5 * (1.0 + erf(steep * (nodes - middle))))
    tails = np.cumsum(np.abs(coefficients[::-1]))[::-1]
    degree = int(np.argmax(tails < 0.25 * error)) - 1 if (tails < 0.25 * error).any() else count
    if degree > MOST_DEGREE:
        return None
    series = Chebyshev(coefficients[: max(1, degree) + 1])
    below, above = series(np.linspace(-1.0, low, 4096)), series(np.linspace(high, 1.0, 4096))
    return StepPolynomial(series, low, high, float(max(np.abs(below).max(), np.abs(above - 1.0).max())))


def complexity(coefficients: list[Decimal], constant: float = 1.0) -> float:
    """Return log10 of C(q) = c sum_j (j + 1)^1.75 |alpha_j| (ADV Definition 4.1).

    Args:
        coefficients: alpha_0 .. alpha_k.
        constant: c, of which the paper says that it is large.
    """
    return _log10_sum(
        [
            math.log10(constant) + 1.75 * math.log10(j + 1) + _log10(alpha)
            for j, alpha in enumerate(coefficients)
            if alpha
        ]
    )


def complexity_at(coefficients: list[Decimal], log10_error: float, constant: float = 1.0) -> float:
    """Return log10 of C(q, eps) = sum_j c^j (1 + (ln(1 / eps) / j)^{j/2}) |alpha_j| (ADV Definition 4.1).

    Args:
        coefficients: alpha_0 .. alpha_k; the term of j = 0 is 2 |alpha_0|.
        log10_error: log10 of eps, negative.
        constant: c.
    """
    found = []
    for j, alpha in enumerate(coefficients):
        if alpha:
            power = 0.5 * j * math.log10(-log10_error * _LN10 / j) if j else 0.0
            found.append(j * math.log10(constant) + _log10_sum([0.0, power]) + _log10(alpha))
    return _log10_sum(found)


def _interpolated(values: FloatArray) -> FloatArray:
    """Return the coefficients in Chebyshev's polynomials of the values at cos(pi (k + 1/2) / N)."""
    from scipy.fft import dct

    found: FloatArray = dct(values, type=2) / len(values)
    found[0] *= 0.5
    return found


def _powers(coefficients: FloatArray) -> list[Decimal]:
    """Return the coefficients of the powers of a Chebyshev series; they cancel, and so are added with many digits."""
    degree = len(coefficients) - 1
    with decimal.localcontext() as context:
        context.prec = 20 + degree
        total = [Decimal(0)] * (degree + 1)
        before, now = [1], [0, 1]
        for j, value in enumerate(coefficients):
            row = before if j == 0 else now
            for power, coefficient in enumerate(row):
                if coefficient:
                    total[power] += Decimal(float(value)) * coefficient
            if j:
                doubled = [0, *(2 * one for one in now)]
                before, now = now, [one - (before[k] if k < len(before) else 0) for k, one in enumerate(doubled)]
        return total


def _log10(value: Decimal) -> float:
    return float(abs(value).log10())


def _log10_sum(logarithms: list[float]) -> float:
    top = max(logarithms, default=-math.inf)
    return top + math.log10(sum(10.0 ** (one - top) for one in logarithms)) if math.isfinite(top) else top
