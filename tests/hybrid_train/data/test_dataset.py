"""The data set: what does not fit is refused at birth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hybrid_train.data import Dataset
from hybrid_train.errors import DataError


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
