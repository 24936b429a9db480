"""Breast cancer: 569 real tumours with 30 measurements each that scikit-learn brings along."""

from __future__ import annotations

from hybrid_train.data.dataset import Dataset
from hybrid_train.data.examples import Wishes, prepared
from hybrid_train.data.scikit_tables import scikit_table


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
    return prepared(scikit_table("breast_cancer"), Wishes(n, seed, standardise=True)).dataset
