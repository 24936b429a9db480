"""Handwritten digits: 1797 real images of 8 x 8 pixels that scikit-learn brings along."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np

from hybrid_train.data.dataset import Dataset
from hybrid_train.data.examples import Examples, Wishes, prepared
from hybrid_train.errors import ConfigError
from hybrid_train.support.arrays import FloatArray, IntArray


def digits(n: int | None = None, classes: Sequence[int] | Literal["all"] = (3, 8), seed: int = 0) -> Dataset:
    """Return images of the chosen digits, d = 64, each scaled to ||x|| = 1.

    The data are the test set of Alpaydin and Kaynak (1998), "Optical recognition of handwritten digits", UCI machine
    learning repository.

    Args:
        n: rows drawn without replacement, balanced over the classes as far as possible; None for every row.
        classes: the digits to tell apart, or "all". Two give targets -1 (the first) and +1 (the second); more give
            labels 0..K-1 in the order named.
        seed: the run's seed, which settles the rows drawn.

    Raises:
        ConfigError: fewer than two digits, a digit twice or outside 0..9, or n below 1.
        DataError: n is more than there are.
    """
    return prepared(digit_examples(classes), Wishes(n, seed)).dataset


def digit_examples(classes: Sequence[int] | Literal["all"] = (3, 8)) -> Examples:
    """Return all images of the chosen digits as they stand, 64 numbers from 0 to 16 each.

    Raises:
        ConfigError: as :func:`digits`.
    """
    chosen = _checked_classes(classes)
    images, digit_of = _images()
    label_of_digit = np.full(10, -1)
    label_of_digit[chosen] = np.arange(len(chosen))
    labels = label_of_digit[digit_of]
    members = np.flatnonzero(labels >= 0)
    name = f"digits({', '.join(map(str, chosen))})"
    columns = tuple(f"pixel_{row}_{column}" for row in range(8) for column in range(8))
    inputs, found = np.asarray(images[members], dtype=np.float64), labels[members]
    if len(chosen) == 2:
        return Examples(inputs, 2.0 * found - 1.0, name, labels=tuple(chosen), columns=columns, target="digit")
    return Examples(inputs, found, name, len(chosen), tuple(chosen), columns, "digit")


def _images() -> tuple[FloatArray, IntArray]:
    """Return all images, (1797, 64), and which digit each shows.

    Out of the file that scikit-learn has, where that lies as it always has: importing scikit-learn takes a second.
    """
    found = find_spec("sklearn")
    for folder in (found.submodule_search_locations or ()) if found is not None else ():
        file = Path(folder, "datasets", "data", "digits.csv.gz")
        if file.is_file():
            rows = np.loadtxt(file, delimiter=",")
            return rows[:, :-1], rows[:, -1].astype(np.int64)
    from sklearn.datasets import load_digits

    images, digit_of = load_digits(return_X_y=True)
    return images, digit_of


def _checked_classes(classes: Sequence[int] | Literal["all"]) -> list[int]:
    if isinstance(classes, str):
        if classes == "all":
            return list(range(10))
        raise ConfigError(f"classes={classes!r}: name at least two digits, or 'all'")
    chosen = list(classes)
    valid = all(isinstance(digit, int | np.integer) and 0 <= digit <= 9 for digit in chosen)
    if not valid or len(chosen) < 2 or len(set(chosen)) != len(chosen):
        raise ConfigError(f"classes={chosen}: name at least two different digits of 0..9, or 'all'")
    return [int(digit) for digit in chosen]
