"""Names of classes that are known already."""

from __future__ import annotations

import numpy as np

from hybrid_train.data.labels import known_labels


def test_classes_keep_their_numbers_where_a_file_lacks_some_of_them() -> None:
    names = ("ape", "bee", "cat", "dog")
    found = known_labels(np.array(["dog", "bee", "dog"]), names, "x.csv")
    assert found.tolist() == [3, 1, 3]
    assert found.dtype.kind == "i"
    assert known_labels(np.array(["no", "no"]), ("no", "yes"), "x.csv").tolist() == [-1.0, -1.0]
