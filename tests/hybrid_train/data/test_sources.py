"""The built-in sources and the data set they return."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from scipy.stats import beta, kstest

from hybrid_train.data import Dataset, breast_cancer, digits, sphere
from hybrid_train.data.checks import draw_rows, unit_rows
from hybrid_train.errors import ConfigError, DataError

SOURCES = {
    "sphere": lambda n, seed: sphere(n, 7, seed=seed),
    "gaussian": lambda n, seed: sphere(n, 7, seed=seed, targets="gaussian"),
    "digits": lambda n, seed: digits(n, seed=seed),
    "ten digits": lambda n, seed: digits(n, "all", seed),
    "breast_cancer": breast_cancer,
}
every_source = pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)


@every_source
def test_rows_have_norm_one_and_depend_on_the_seed_alone(source: Any) -> None:
    data = source(24, 1)
    assert len(data) == len(data.targets) == 24
    assert np.allclose(np.linalg.norm(data.inputs, axis=1), 1.0, atol=1e-12)
    again, other = source(24, 1), source(24, 2)
    assert np.array_equal(data.inputs, again.inputs)
    assert np.array_equal(data.targets, again.targets)
    assert not np.array_equal(data.inputs, other.inputs)


@every_source
@pytest.mark.parametrize("n", [0, -3, 2.5, True])
def test_a_count_below_one_is_refused(source: Any, n: int) -> None:
    with pytest.raises(ConfigError, match="n="):
        source(n, 0)


def is_uniform(rows: np.ndarray) -> bool:
    """x_1^2 ~ Beta(1/2, (d-1)/2) by Kolmogorov-Smirnov; false-alarm rate 1e-9, sees a distance of 0.06 at n = 4000."""
    return kstest(rows[:, 0] ** 2, beta(0.5, (rows.shape[1] - 1) / 2).cdf).pvalue > 1e-9


def test_the_sphere_is_covered_evenly() -> None:
    assert is_uniform(sphere(4000, 3, seed=11).inputs)
    cube = np.random.default_rng(0).uniform(-1, 1, size=(4000, 3)) ** 3
    assert not is_uniform(unit_rows(cube, "a cube's corners"))


def test_targets_of_the_sphere() -> None:
    assert set(np.unique(sphere(50, 3).targets)) == {-1.0, 1.0}
    assert sphere(50, 3).binary
    gaussian = sphere(50, 3, targets="gaussian")
    assert len(np.unique(gaussian.targets)) == 50
    assert not gaussian.binary
    with pytest.raises(ConfigError, match="did you mean 'gaussian'"):
        sphere(5, 3, targets="gausian")
    with pytest.raises(ConfigError, match="dim=0"):
        sphere(5, 0)


def test_two_digits_are_signs_and_more_are_labels() -> None:
    two = digits()
    assert (len(two), two.dimension, two.classes, two.binary) == (357, 64, None, True)
    assert two.name == "digits(3, 8)"
    assert (two.targets > 0).sum() == 174  # eights
    three = digits(classes=(7, 1, 4))
    assert three.classes == 3
    assert set(three.targets) == {0, 1, 2}
    swapped = digits(classes=(8, 3))
    assert np.array_equal(swapped.targets, -two.targets)
    everything = digits(classes="all")
    assert (len(everything), everything.classes) == (1797, 10)


def test_a_label_belongs_to_its_image() -> None:
    from sklearn.datasets import load_digits

    images, digit_of = load_digits(return_X_y=True)
    images = unit_rows(images, "digits")
    data = digits(30, classes=(9, 0, 5), seed=4)
    for image, label in zip(data.inputs, data.targets, strict=True):
        assert digit_of[np.argmin(np.linalg.norm(images - image, axis=1))] == (9, 0, 5)[label]


@pytest.mark.parametrize("classes", ["al", (3,), (), (3, 3), (3, 10), (-1, 2), (1.5, 2), "38"])
def test_wrong_digits_are_refused(classes: Any) -> None:
    with pytest.raises(ConfigError, match="classes="):
        digits(classes=classes)


@pytest.mark.parametrize("n", [2, 5, 64, 300])
def test_rows_are_balanced_as_far_as_they_go(n: int) -> None:
    for source, smaller in ((digits, 174), (breast_cancer, 212)):
        data = source(n, seed=3)
        positive = int((data.targets > 0).sum())
        assert len(np.unique(data.inputs, axis=0)) == n
        assert min(positive, n - positive) == min(n // 2, smaller)
    counts = np.bincount(digits(n, "all").targets, minlength=10)
    assert counts.max() - counts.min() <= 1


def test_a_smaller_draw_is_the_beginning_of_a_larger_one() -> None:
    labels = np.array([0] * 5 + [1] * 20)
    for kinds in (None, labels):
        whole = draw_rows(25, 25, 3, kinds)
        assert sorted(whole) == list(range(25))
        for n in range(1, 25):
            assert np.array_equal(draw_rows(25, n, 3, kinds), whole[:n])
    assert np.array_equal(draw_rows(25, None, 3, labels), np.arange(25))


def test_more_rows_than_there_are_is_refused() -> None:
    for source, total in ((digits, 357), (breast_cancer, 569)):
        assert len(source(total)) == len(source()) == total
        with pytest.raises(DataError, match=f"n={total + 1}: there are only {total} rows"):
            source(total + 1)


def test_breast_cancer_has_its_two_classes() -> None:
    data = breast_cancer()
    assert data.dimension == 30
    assert (data.targets > 0).sum() == 357  # benign
    from sklearn.datasets import load_breast_cancer
    from sklearn.preprocessing import StandardScaler

    measured = StandardScaler().fit_transform(load_breast_cancer().data)
    assert np.allclose(data.inputs, unit_rows(measured, "tumours"), atol=1e-12)
    # A row does not depend on how many are drawn.
    some = breast_cancer(20, seed=5).inputs
    assert all((data.inputs == row).all(axis=1).any() for row in some)


def test_huge_and_tiny_rows_are_normalised() -> None:
    rows = unit_rows([[3e300, 4e300], [3e-300, -4e-300], [5e-324, 0.0]], "rows")
    assert np.allclose(rows, [[0.6, 0.8], [0.6, -0.8], [1.0, 0.0]])
    with pytest.raises(DataError, match=r"rows: row 1 is all zeros.*2 such rows"):
        unit_rows([[1.0, 0.0], [0.0, 0.0], [0.0, -0.0]], "rows")


@pytest.mark.parametrize(
    ("inputs", "targets", "classes", "message"),
    [
        ([[1.0, 1.0]], [1.0], None, "row 0 has norm 1.414"),
        ([[1.0], [np.inf]], [1.0, 1.0], None, "row 1 holds NaN"),
        ([1.0], [1.0], None, "shape"),
        (np.empty((0, 3)), [], None, "shape"),
        ([[1.0]], [1.0, 2.0], None, "1 inputs but 2 targets"),
        ([[1.0]], [np.nan], None, "targets: row 0 holds NaN"),
        ([[1.0]], [[[1.0]]], None, "targets: expected shape"),
        ([[1.0]], ["one"], None, "targets: expected numbers"),
        ([[1.0]], [0.0], 2, "integers"),
        ([[1.0]], [3], 3, "row 0 has label 3"),
        ([[1.0]], [-1], 3, "row 0 has label -1"),
        ([[1.0]], [0], 1, "classes=1"),
    ],
)
def test_what_does_not_fit_is_refused_at_birth(inputs: Any, targets: Any, classes: Any, message: Any) -> None:
    with pytest.raises(DataError, match=message):
        Dataset(np.array(inputs), np.array(targets), "mine", classes)


def test_a_data_set_knows_its_separation() -> None:
    assert Dataset(np.eye(2), np.ones(2), "mine").separation.closest == (0, 1)


def test_importing_data_leaves_scikit_learn_alone() -> None:
    code = "import sys, hybrid_train.data; sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
