"""Distributions of examples: their bounds, even polynomials, the spirals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid_train.data import EvenPolynomial, EvenPolynomials, input_bound, make_inputs, two_spirals
from hybrid_train.errors import ConfigError

INPUTS = ("sphere", "cube", "random_points")


@pytest.mark.parametrize("kind", INPUTS)
def test_the_bound_is_that_of_the_second_moment(kind: str) -> None:
    inputs = make_inputs(kind, 5, seed=1)
    rows = inputs.draw(np.random.default_rng(0), 200_000)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1.0, rtol=0, atol=1e-12)
    top = np.linalg.eigvalsh(rows.T @ rows / len(rows))[-1]
    assert inputs.bound == pytest.approx(np.sqrt(5 * top), rel=0.02)  # sampling error about sqrt(d / n) / 2 = 0.0025
    assert input_bound(rows) == pytest.approx(np.sqrt(5 * top), rel=1e-12)
    assert (inputs.bound == 1.0) == (kind != "random_points")


def test_the_bound_of_few_rows_in_many_dimensions() -> None:
    assert input_bound(np.eye(3, 40)) == pytest.approx(np.sqrt(40 / 3))
    assert input_bound(np.ones((7, 4)) / 2) == pytest.approx(2.0)  # one direction only: R = sqrt(d)


def test_points_are_settled_by_the_seed_and_all_of_them_come() -> None:
    rows = make_inputs("random_points", 3, points=6, seed=2).draw(np.random.default_rng(0), 500)
    again = make_inputs("random_points", 3, points=6, seed=2).draw(np.random.default_rng(1), 500)
    assert len(np.unique(rows, axis=0)) == 6
    assert np.array_equal(np.unique(rows, axis=0), np.unique(again, axis=0))
    assert make_inputs("random_points", 3).draw(np.random.default_rng(0), 400).shape == (400, 3)


def test_corners_of_the_cube() -> None:
    rows = make_inputs("cube", 4).draw(np.random.default_rng(0), 300)
    assert set(np.unique(rows)) == {-0.5, 0.5}
    assert len(np.unique(rows, axis=0)) == 16


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 5), st.sampled_from([2, 4, 6]), st.integers(0, 10), st.data())
def test_a_polynomial_is_even_bounded_and_what_its_terms_say(dim: int, degree: int, seed: int, data: Any) -> None:
    whole = EvenPolynomial.random(dim, degree, seed=seed)
    terms = data.draw(st.none() | st.integers(1, whole.terms))
    polynomial = EvenPolynomial.random(dim, degree, terms=terms, seed=seed)
    assert polynomial.terms == (terms or whole.terms)
    assert polynomial.norm == pytest.approx(1.0, rel=1e-12)
    assert polynomial.scaled(-3.0).norm == pytest.approx(3.0, rel=1e-12)
    x = np.random.default_rng(seed).standard_normal((4, dim))
    expected = np.zeros(4)
    seen = set()
    for variables, coefficients in zip(polynomial.variables, polynomial.coefficients, strict=True):
        for term, coefficient in zip(variables, coefficients, strict=True):
            assert len(term) % 2 == 0
            assert len(term) <= degree
            seen.add(tuple(sorted(term)))
            expected += coefficient * np.prod(x[:, term], axis=1)
    assert len(seen) == polynomial.terms
    assert np.allclose(polynomial(x), expected, rtol=1e-11, atol=1e-12)
    assert np.array_equal(polynomial(x), polynomial(-x))


def test_all_monomials_of_even_degree_are_there() -> None:
    polynomial = EvenPolynomial.random(3, 4)
    assert [part.shape for part in polynomial.variables] == [(1, 0), (6, 2), (15, 4)]


@pytest.mark.parametrize("kind", INPUTS)
def test_norm_auto_makes_the_root_mean_square_one(kind: str) -> None:
    source = EvenPolynomials(make_inputs(kind, 6, seed=3), 4, seed=3)
    targets = source.examples(20_000).targets
    assert np.sqrt(np.square(targets).mean()) == pytest.approx(1.0, rel=0.1)
    assert f"M={source.polynomial.norm:.4g}" in source.notes[0]
    assert EvenPolynomials(make_inputs(kind, 6), 2, norm=2.5).polynomial.norm == pytest.approx(2.5)


def test_examples_belong_to_the_seed_and_held_out_ones_are_others() -> None:
    def source(seed: int, targets: Any = "values") -> EvenPolynomials:
        return EvenPolynomials(make_inputs("sphere", 4, seed=seed), 2, targets=targets, seed=seed)

    first, again = source(1).examples(9), source(1).examples(9)
    assert np.array_equal(first.inputs, again.inputs)
    assert np.array_equal(first.targets, again.targets)
    for other in (source(2).examples(9), source(1).examples(9, held_out=True)):
        assert not np.isin(first.inputs, other.inputs).any()
    assert np.array_equal(
        source(1)._inputs.draw(np.random.default_rng(0), 3), source(2)._inputs.draw(np.random.default_rng(0), 3)
    )
    signs = source(1, "signs").examples(9)
    assert signs.binary
    assert np.array_equal(signs.targets > 0, first.targets > 0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: make_inputs("spher", 3), "inputs='spher': no such inputs, did you mean 'sphere'"),
        (lambda: make_inputs("cube", 3, points=4), "points=4: remove it"),
        (lambda: make_inputs("sphere", 0), "dim=0"),
        (lambda: make_inputs("random_points", 3, points=0), "points=0"),
        (lambda: EvenPolynomial.random(3, 3), "degree=3"),
        (lambda: EvenPolynomial.random(3, 0), "degree=0"),
        (lambda: EvenPolynomial.random(500, 4), "degree=4: .* terms in dimension 500"),
        (lambda: EvenPolynomial.random(2, 2, terms=5), "terms=5: expected 1 to 4"),
        (lambda: EvenPolynomials(make_inputs("cube", 3), norm=0.0), "norm=0.0"),
        (lambda: EvenPolynomials(make_inputs("cube", 3), targets="sign"), "targets='sign'"),
        (lambda: EvenPolynomials(make_inputs("cube", 3)).examples(0), "n=0"),
        (lambda: two_spirals(1), "n=1"),
        (lambda: two_spirals(turns=0.0), "turns=0.0"),
        (lambda: two_spirals(noise=-1.0), "noise=-1.0"),
    ],
)
def test_what_cannot_be_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()


def test_the_spirals_are_those_of_lang_and_witbrock() -> None:
    data = two_spirals()
    assert data.inputs.shape == (194, 3)
    assert (data.targets[::2] == 1).all()
    assert (data.targets[1::2] == -1).all()
    points = np.arange(97)
    angle, radius = points * np.pi / 16, 0.99 * (104 - points) / 104
    assert np.allclose(data.inputs[::2, :2], np.stack([radius * np.sin(angle), radius * np.cos(angle)], 1), atol=1e-12)
    assert np.allclose(data.inputs[1::2, :2], -data.inputs[::2, :2], atol=1e-12)
    assert np.allclose(np.linalg.norm(data.inputs, axis=1), 1.0, rtol=0, atol=1e-12)
    assert not data.separation.degenerate


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 60), st.floats(0.1, 5), st.floats(0, 2), st.integers(0, 9))
def test_spirals_stay_on_the_sphere_whatever_the_noise(n: int, turns: float, noise: float, seed: int) -> None:
    data = two_spirals(n, turns=turns, noise=noise, seed=seed)
    assert len(data) == n
    assert abs(data.targets.sum()) <= 1
    assert (data.inputs[:, 2] >= 0).all()


def test_the_norm_of_huge_and_tiny_coefficients_is_told() -> None:
    polynomial = EvenPolynomial.random(3, 4, seed=1)
    for size in (1e300, 1e-300):
        assert polynomial.scaled(size).norm == pytest.approx(size)
