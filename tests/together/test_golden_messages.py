"""The thirty likeliest mistakes, and to the letter what is said of them: what, where, what to do."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import circuits
import hybrid_train
from hybrid_train.errors import HybridTrainError
from tests.support.calls import BANK, CONFIG


def _config(path: str, value: Any) -> Callable[[], object]:
    section, key = path.split(".")
    tables = copy.deepcopy(CONFIG)
    tables.setdefault(section, {})[key] = value
    return lambda: hybrid_train.load_config(tables)


def _built() -> Any:
    finder = hybrid_train.make_finder("scan")
    finder.build(BANK, BANK, 0.5)
    return finder


NAN = np.array([[1.0, np.nan]])
MISTAKES: dict[str, Callable[[], object]] = {
    "a misspelt key": _config("network.widht", 64),
    "a misspelt section": lambda: hybrid_train.load_config(CONFIG | {"trainig": {}}),
    "a misspelt data set": _config("data.kind", "digit"),
    "a misspelt finder": _config("finder.kind", "scna"),
    "a misspelt option of a finder": lambda: hybrid_train.make_finder("hsr", leafsize=3),
    "a misspelt strategy": lambda: hybrid_train.make_finder("grover", strategy="adaptiv"),
    "a misspelt loss": _config("training.loss", "sqared"),
    "a misspelt algorithm": _config("training.algorithm", "adam"),
    "a width of zero": _config("network.width", 0),
    "a width in quotes": _config("network.width", "64"),
    "a width with a point": _config("network.width", 64.5),
    "a negative learning rate": _config("training.learning_rate", -0.1),
    "steps of true": _config("training.steps", True),
    "a share of percents": _config("network.fraction", 20),
    "an option of another algorithm": _config("training.batch_size", 4),
    "no such config": lambda: hybrid_train.load_config("no/such.toml"),
    "an override without a value": lambda: hybrid_train.load_config(CONFIG, ["network.width"]),
    "an override of nothing": lambda: hybrid_train.load_config(CONFIG, ["network.wdth=3"]),
    "no such run": lambda: hybrid_train.load("no/such/run"),
    "one finder in place of a list": lambda: hybrid_train.compare(CONFIG, "scan"),
    "a bank with NaN": lambda: hybrid_train.make_finder("scan").build(NAN, BANK[:, :2], 0.5),
    "banks of two dimensions": lambda: hybrid_train.make_finder("scan").build(BANK, BANK[:, :2], 0.5),
    "a vector for a bank": lambda: hybrid_train.make_finder("scan").build(BANK[0], BANK, 0.5),
    "a threshold in quotes": lambda: hybrid_train.make_finder("scan").build(BANK, BANK, "0.5"),
    "a use before build": lambda: hybrid_train.make_finder("scan").find(),
    "a row that is not there": lambda: _built().find([7]),
    "moves of another shape": lambda: _built().move_points([0], BANK),
    "a delta of zero": lambda: hybrid_train.make_finder("grover", delta=0),
    "items without their number": lambda: circuits.find_all([1, 2]),
    "a mask of zeros and ones": lambda: circuits.LookupOracle([0, 1, 0, 1], 4),
}
SAID: dict[str, str] = {
    "a misspelt key": (
        "network.widht=64: unknown key, did you mean 'width'?; known: kind, width, threshold, outputs, "
        "start, output_weight, activation, tau, k, fraction, dtype, storage"
    ),
    "a misspelt section": (
        "trainig: unknown section, did you mean 'training'?; known: data, network, training, adversary, "
        "run, finder, finders"
    ),
    "a misspelt data set": (
        "data.kind='digit': expected one of sphere, digits, breast_cancer, wine, iris, diabetes, file, "
        "arrays, even_polynomial, two_spirals, did you mean 'digits'?"
    ),
    "a misspelt finder": (
        "finder.kind='scna': expected one of scan, empty, hsr, onion, skin, sparse_columns, auto, "
        "correlation_tree, lsh, grover, did you mean 'scan'?"
    ),
    "a misspelt option of a finder": "finder.leafsize=3: unknown key, did you mean 'leaf_size'?; known: leaf_size",
    "a misspelt strategy": (
        "finder.strategy='adaptiv': expected 'known_k', 'exact', 'bbht', 'coupon', 'fixed_point', "
        "'counting', 'adaptive', 'monitored' or 'warm', did you mean 'adaptive'?"
    ),
    "a misspelt loss": (
        "training.loss='sqared': expected one of squared, logistic, hinge, cross_entropy, huber, "
        "absolute, geman_mcclure, did you mean 'squared'?"
    ),
    "a misspelt algorithm": "training.algorithm='adam': expected 'gd', 'sgd' or 'adversarial'",
    "a width of zero": "network.width=0: expected a number of at least 1",
    "a width in quotes": "network.width='64': expected a whole number",
    "a width with a point": "network.width=64.5: expected a whole number",
    "a negative learning rate": "training.learning_rate=-0.1: expected a number above 0, 'auto' or 'theorem'",
    "steps of true": "training.steps=True: expected a whole number",
    "a share of percents": "network.fraction=20: expected a number below 1.0",
    "an option of another algorithm": "training.batch_size=4: remove it, it belongs to algorithm='sgd'",
    "no such config": "config='no/such.toml': no such file",
    "an override without a value": "--set 'network.width': expected section.key=value, such as training.steps=50",
    "an override of nothing": (
        "network.wdth=3: unknown key, did you mean 'width'?; known: kind, width, threshold, outputs, "
        "start, output_weight, activation, tau, k, fraction, dtype, storage"
    ),
    "no such run": "directory='no/such/run': holds no run (config.toml is missing)",
    "one finder in place of a list": "finders='scan': expected a list of at least one name",
    "a bank with NaN": "points: row 0 holds NaN or infinity",
    "banks of two dimensions": "points have dimension 3 but queries have dimension 2",
    "a vector for a bank": "points: expected shape (N, d) with N >= 1 and d >= 1, got (3,)",
    "a threshold in quotes": "threshold='0.5': expected a finite number, the b of <p, q> > b",
    "a use before build": "ScanFinder: used before build; call build(points, queries, threshold) first",
    "a row that is not there": "queries: rows must lie in [0, 3), got 7 to 7",
    "moves of another shape": "points: 1 rows of dimension 3 cannot move to an array of shape (3, 3)",
    "a delta of zero": "delta=0: must lie strictly between 0 and 1",
    "items without their number": "n_items=None: give the number of items with marked indices",
    "a mask of zeros and ones": (
        "marked: indices must be distinct; if these zeros and ones are a mask, make it one of booleans: "
        "numpy.array(marked, bool)"
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_is_said_of(mistake: str) -> None:
    with pytest.raises(HybridTrainError) as caught:
        MISTAKES[mistake]()
    assert str(caught.value) == SAID[mistake]
