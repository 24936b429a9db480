"""Breast cancer: 569 real tumours with 30 measurements each that scikit-learn brings along."""

from __future__ import annotations

from hybrid_train.data.checks import draw_rows, unit_rows
from hybrid_train.data.dataset import Dataset


def breast_cancer(n: int | None = None, seed: int = 0) -> Dataset:
    """Return tumours with targets -1 (malignant) and +1 (benign), d = 30.

    Columns are standardised over all 569 rows, so a row does not depend on n, and rows are scaled to ||x|| = 1. The
    data are of Street, Wolberg and Mangasarian (1993), "Nuclear feature extraction for breast tumor diagnosis".

    Args:
        n: rows drawn without replacement, balanced over the two classes as far as possible; None for every row.
        seed: the run's seed, which settles the rows drawn.

    Raises:
        ConfigError: n below 1.
        DataError: n is more than there are.
    """
    from sklearn.datasets import load_breast_cancer

    measured, benign = load_breast_cancer(return_X_y=True)
    standardised = (measured - measured.mean(axis=0)) / measured.std(axis=0)
    rows = draw_rows(len(measured), n, seed, benign)
    return Dataset(unit_rows(standardised[rows], "breast_cancer"), 2.0 * benign[rows] - 1.0, "breast_cancer")
