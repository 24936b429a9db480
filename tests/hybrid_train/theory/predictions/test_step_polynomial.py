"""The polynomials of ADV section 4 against their definitions."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest

from hybrid_train.theory.predictions.step_polynomial import complexity, complexity_at, degree_bound, step_polynomial


@pytest.mark.parametrize(("delta", "rho", "error"), [(1.0, 0.1, 0.01), (0.5, 0.1, 0.003), (0.3, 0.05, 0.2)])
def test_it_tells_the_balls_apart_within_the_degree_of_the_claim(delta: float, rho: float, error: float) -> None:
    q = step_polynomial(delta, rho, error)
    assert q is not None
    assert (
        q.degree
        <= degree_bound(delta * (delta - 2 * rho), error)
        == 24 * math.log(16 / error) / (delta * (delta - 2 * rho))
    )
    own, other = np.linspace(1 - rho**2 / 2, 1, 1999), np.linspace(-1, 1 - (delta - rho) ** 2 / 2, 1999)
    assert np.abs(q.series(own) - 1).max() <= error
    assert np.abs(q.series(other)).max() <= error
    coefficients = q.coefficients()
    assert coefficients is not None
    for place in (-0.9, 0.2, 0.97):
        with localcontext(prec=200):
            powers = sum(alpha * Decimal(place) ** j for j, alpha in enumerate(coefficients))
        assert float(powers) == pytest.approx(float(q.series(place)), abs=1e-9)


def test_balls_that_nearly_touch_take_too_high_a_degree() -> None:
    assert step_polynomial(0.2, 0.0999, 0.01) is None


def test_complexities_are_their_definitions() -> None:
    alpha, c, log_error = [Decimal(3), Decimal(0), Decimal(-2), Decimal("0.5")], 4.0, -7.0
    plain = c * sum((j + 1) ** 1.75 * abs(float(a)) for j, a in enumerate(alpha))
    assert complexity(alpha, c) == pytest.approx(math.log10(plain))
    logarithm = 7 * math.log(10)
    terms = [2.0 * 3.0, 0.0] + [c**j * (1 + math.sqrt(logarithm / j) ** j) * abs(float(alpha[j])) for j in (2, 3)]
    assert complexity_at(alpha, log_error, c) == pytest.approx(math.log10(sum(terms)))
