"""The tumours: two classes, standardised over all of them."""

from __future__ import annotations

import numpy as np

from hybrid_train.data import breast_cancer
from hybrid_train.data.checks import unit_rows


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
