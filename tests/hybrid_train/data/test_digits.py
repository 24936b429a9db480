"""The digits: which are drawn, and what they are called."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from hybrid_train.data import digits
from hybrid_train.data.checks import unit_rows
from hybrid_train.errors import ConfigError


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


def test_they_are_those_of_scikit_learn_found_without_loading_it(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import sys, hybrid_train.data as d\nd.digits()\nprint('sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "False\n"
    quick = digits(classes="all")
    monkeypatch.setattr(sys.modules["hybrid_train.data.digits"], "find_spec", lambda name: None)
    asked = digits(classes="all")
    assert np.array_equal(quick.inputs, asked.inputs)
    assert np.array_equal(quick.targets, asked.targets)


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
