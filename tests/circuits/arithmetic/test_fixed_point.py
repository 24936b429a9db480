"""Fixed point: the integer test never misses an active point, and the accumulator never overflows."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from circuits.arithmetic.fixed_point import FixedPointWeights, accumulator_bits, signed_digits
from hybrid_train.errors import ConfigError, DataError
from hybrid_train.finder.predicate import inner_products
from hybrid_train.finder.scan import active_pairs

# few values, so that ties, duplicates and zero rows are common; magnitudes whose products overflow or vanish
VALUES = st.sampled_from([0.0, 1.0, -1.0, 0.5, 3.0, 7.0, 0.1, 1e-170, 1e170, -1e170, 1e-320, 1.7e308])
BITS = st.integers(2, 9)


@st.composite
def half_spaces(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, float]:
    m, d = draw(st.integers(1, 12)), draw(st.integers(1, 9))
    elements = draw(st.sampled_from([VALUES, st.floats(-2, 2), st.floats(-1e-300, 1e-300)]))
    weights = draw(hnp.arrays(np.float64, (m, d), elements=elements))
    query = draw(hnp.arrays(np.float64, d, elements=elements))
    # the deciding products themselves are the thresholds at which one bit matters
    products = inner_products(weights, query[None], np.arange(m), np.zeros(m, int))
    ties = [float(value) for value in products if np.isfinite(value)] + [0.0]
    threshold = draw(st.sampled_from([*ties, *(float(np.nextafter(tie, -np.inf)) for tie in ties), -1.0, 0.25]))
    return weights, query, threshold


@settings(max_examples=400)
@given(half_spaces(), BITS, BITS)
def test_no_active_point_is_missed(
    half_space: tuple[np.ndarray, np.ndarray, float], bits: int, query_bits: int
) -> None:
    weights, query, threshold = half_space
    active = active_pairs(weights, query[None], threshold).indices
    rounded = FixedPointWeights(weights, bits)
    test = rounded.integer_test(query, threshold, query_bits)
    marks = test.marks(rounded.words)
    assert marks[active].all()
    assert rounded.spurious(test, active) == marks.sum() - len(active)


def test_float32_weights_are_covered_too() -> None:
    rng = np.random.default_rng(0)
    weights, query = rng.standard_normal((3000, 5)).astype(np.float32), rng.standard_normal(5).astype(np.float32)
    rounded = FixedPointWeights(weights, 5)
    for threshold in inner_products(weights, query[None], np.arange(50), np.zeros(50, int)):
        active = active_pairs(weights, query[None], threshold).indices
        assert rounded.integer_test(query, threshold, 5).marks(rounded.words)[active].all()


def test_rounding_without_its_bound_would_miss() -> None:
    rng = np.random.default_rng(1)
    weights, query = rng.standard_normal((2000, 4)), rng.standard_normal(4)
    rounded = FixedPointWeights(weights, 4)
    test = rounded.integer_test(query, 1.0, 4)
    steps = np.abs(weights).max() / 7 * np.abs(query).max() / 7
    naive = rounded.words @ test.query > np.floor(1.0 / steps)
    assert (weights @ query > 1.0)[~naive].any()


def test_more_bits_leave_fewer_spurious_points() -> None:
    rng = np.random.default_rng(2)
    weights, query = rng.standard_normal((4000, 8)), rng.standard_normal(8)
    query /= np.linalg.norm(query)
    active = active_pairs(weights, query[None], 1.8).indices
    spurious = []
    for bits in (4, 8, 12, 16):
        rounded = FixedPointWeights(weights, bits)
        spurious.append(rounded.spurious(rounded.integer_test(query, 1.8, bits), active))
    assert spurious[0] > 4 * spurious[1] > 16 * spurious[2]
    assert spurious[3] <= 1


@given(st.integers(1, 40), BITS, BITS, st.floats(-1e3, 1e3), st.integers(0, 2**32 - 1))
def test_the_accumulator_holds_every_sum(dim: int, bits: int, query_bits: int, threshold: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    signs = rng.choice([-1.0, 1.0], (2, dim))
    rounded = FixedPointWeights([signs[0], signs[1], -signs[1]], bits)
    test = rounded.integer_test(signs[1], threshold, query_bits)
    sums = rounded.words @ test.query - (test.threshold + 1)
    assert test.width == accumulator_bits(dim, bits, query_bits)
    assert (sums >= -(1 << (test.width - 1))).all()
    assert (sums < 1 << (test.width - 1)).all()


def test_one_accumulator_bit_less_would_overflow() -> None:
    rounded = FixedPointWeights(np.array([[1.0] * 4, [-1.0] * 4]), 5)
    test = rounded.integer_test(np.ones(4), 1.2e3, 5)
    lowest = (rounded.words @ test.query).min() - (test.threshold + 1)
    assert -(1 << (test.width - 1)) <= lowest < -(1 << (test.width - 2))


@given(st.integers(-(2**20), 2**20))
def test_signed_digits_are_non_adjacent_and_add_up(value: int) -> None:
    digits = signed_digits(value)
    assert sum(sign << shift for shift, sign in digits) == value
    shifts = [shift for shift, _ in digits]
    assert all(later - earlier >= 2 for earlier, later in pairwise(shifts))


def test_signed_digits_are_the_fewest() -> None:
    fewest = {0: 0}
    for count in range(1, 5):
        for value in list(fewest):
            for step in (1 << shift for shift in range(8)):
                fewest.setdefault(value + step, count)
                fewest.setdefault(value - step, count)
    assert all(len(signed_digits(value)) == fewest[value] for value in range(-127, 128))


def test_words_use_the_whole_range_and_zero_stays_zero() -> None:
    rounded = FixedPointWeights([[3.0, -3.0], [0.0, 1.6]], 4)
    assert rounded.words.tolist() == [[7, -7], [0, 4]]
    assert not FixedPointWeights(np.zeros((2, 3)), 4).words.any()
    test = rounded.integer_test([0.0, 0.0], 0.0, 4)
    assert not test.query.any()


def test_a_threshold_out_of_reach_marks_nothing_or_everything() -> None:
    rounded = FixedPointWeights(np.eye(3), 4)
    assert not rounded.integer_test(np.ones(3), 1e300, 4).marks(rounded.words).any()
    assert rounded.integer_test(np.ones(3), -1e300, 4).marks(rounded.words).all()
    assert Fraction(rounded.integer_test(np.ones(3), -1e300, 4).threshold) == -(7 * 21) - 1


def test_bad_input_is_named() -> None:
    with pytest.raises(ConfigError, match="bits=1"):
        FixedPointWeights(np.eye(2), 1)
    rounded = FixedPointWeights(np.eye(2), 3)
    with pytest.raises(ConfigError, match="query_bits=25"):
        rounded.integer_test(np.ones(2), 0.0, 25)
    with pytest.raises(ConfigError, match="threshold=nan"):
        rounded.integer_test(np.ones(2), float("nan"), 3)
    with pytest.raises(DataError, match="dimension 3"):
        rounded.integer_test(np.ones(3), 0.0, 3)
    with pytest.raises(DataError, match="query"):
        rounded.integer_test([np.inf, 0.0], 0.0, 3)
