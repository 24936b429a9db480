"""Tables of measurements that scikit-learn brings along: breast cancer, wine, iris, diabetes."""

from __future__ import annotations

from typing import Literal

import numpy as np

from hybrid_train.data.examples import Examples
from hybrid_train.data.preparation import plain_labels

TableName = Literal["breast_cancer", "wine", "iris", "diabetes"]


def scikit_table(name: TableName) -> Examples:
    """Return a table as it is measured, with the names of its columns and classes.

    * ``breast_cancer``: 569 tumours with 30 measurements, -1 malignant and +1 benign. Street, Wolberg and Mangasarian
      (1993), "Nuclear feature extraction for breast tumor diagnosis".
    * ``wine``: 178 Italian wines with 13 measurements, of 3 growers. Aeberhard, Coomans and de Vel (1994),
      "Comparative analysis of statistical pattern recognition methods in high dimensional settings".
    * ``iris``: 150 flowers with 4 measurements, of 3 species. Fisher (1936), "The use of multiple measurements in
      taxonomic problems".
    * ``diabetes``: 442 patients with 10 measurements; the target is the progression of the disease after a year.
      Efron, Hastie, Johnstone and Tibshirani (2004), "Least angle regression".

    Args:
        name: of the table.
    """
    from sklearn import datasets

    options = {"scaled": False} if name == "diabetes" else {}
    found = getattr(datasets, f"load_{name}")(**options)
    columns = tuple(map(str, found.feature_names))
    inputs = np.asarray(found.data, dtype=np.float64)
    if name == "diabetes":
        return Examples(inputs, np.asarray(found.target, dtype=np.float64), name, columns=columns, target="target")
    labels = plain_labels([str(label) for label in found.target_names])
    if len(labels) == 2:
        return Examples(inputs, 2.0 * found.target - 1.0, name, labels=labels, columns=columns, target="target")
    targets = np.asarray(found.target, dtype=np.int64)
    return Examples(inputs, targets, name, len(labels), labels, columns, "target")
