"""Arrays and frames handed over from Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

import hybrid_train
from hybrid_train.data.arrays import examples_of
from hybrid_train.errors import ConfigError, DataError

X = np.random.default_rng(0).normal([5.0, 0.0, 100.0], 1.0, (20, 3))
WORDS = np.array(["yes", "no"])[np.arange(20) % 2]
FRAME = pd.DataFrame(X, columns=["a", "b", "c"])
SMALL: dict[str, Any] = {"network": {"width": 32}, "training": {"steps": 4}}


@pytest.mark.parametrize("y", [WORDS, list(WORDS), pd.Series(WORDS, name="kind"), WORDS[:, None]])
def test_words_are_classes(y: Any) -> None:
    examples = examples_of((FRAME, y))
    assert (examples.columns, examples.labels) == (("a", "b", "c"), ("no", "yes"))
    assert examples.targets.tolist() == [1, -1] * 10
    assert examples.target == ("kind" if isinstance(y, pd.Series) else None)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (X, "expected a pair of arrays"),
        ((X, WORDS[:5]), "20 rows of X, but 5 of y"),
        ((X, np.where(np.arange(20) == 3, np.nan, 1.0)), "y: row 3 holds NaN"),
        ((FRAME.assign(d="x"), WORDS), "column 'd' holds no numbers; leave it out"),
        ((FRAME.assign(b=[np.nan] * 20), WORDS), "column 'b' lacks a value in row 0; drop the row"),
        ((np.where(X > 100, np.inf, X), WORDS), "X"),
        ((X, ["yes"] * 20), "one class only"),
        ((X, [object()] * 20), "expected .n,. numbers or words"),
    ],
)
def test_what_makes_no_data_set_is_refused(data: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        examples_of(data)


def test_a_run_on_arrays_is_one_on_the_same_file(tmp_path: Path) -> None:
    FRAME.assign(kind=WORDS).to_csv(tmp_path / "a.csv", index=False)
    by_file = hybrid_train.run(SMALL | {"data": {"kind": "file", "path": str(tmp_path / "a.csv"), "test": 0.25}})
    by_arrays = hybrid_train.run(SMALL | {"data": {"test": 0.25}}, data=(FRAME, WORDS))
    assert by_arrays.losses == by_file.losses
    assert by_arrays.row["held_out_loss"] == by_file.row["held_out_loss"]
    assert np.array_equal(by_arrays.model.predict(X), by_file.model.predict(X))
    assert np.array_equal(by_arrays.model.outputs(FRAME[["c", "a", "b"]].assign(kind=WORDS)), by_file.model.outputs(X))
    with pytest.raises(DataError, match="no column 'b'; the network was trained on a, b, c"):
        by_arrays.model.predict(FRAME[["a", "c"]])


def test_a_test_set_of_its_own_is_held_out_and_the_run_can_be_loaded(tmp_path: Path) -> None:
    flowers = load_iris()
    words = flowers.target_names[flowers.target]
    config = {"network": {"width": 64}, "training": {"steps": 30, "loss": "cross_entropy"}}
    data, test = (flowers.data[::2], words[::2]), (flowers.data[1::2], words[1::2])
    result = hybrid_train.run(config, data=data, test=test, out=tmp_path / "run")
    assert result.row["held_out_rows"] == 75
    assert np.mean(result.model.predict(test[0]) == test[1]) == result.row["held_out_accuracy"] > 0.8
    assert np.array_equal(hybrid_train.load(tmp_path / "run").predict(test[0]), result.model.predict(test[0]))
    rows = hybrid_train.compare(config, ["scan", "hsr"], data=data, test=test).rows
    assert rows[0]["held_out_losses"] == rows[1]["held_out_losses"]


def test_arrays_take_the_place_of_other_data_and_say_so() -> None:
    config = SMALL | {"data": {"kind": "sphere", "n": 8, "dim": 3}}
    result = hybrid_train.run(config, data=(X, WORDS))
    assert len(result.model.classes or ()) == 2
    assert any("data.dim is put aside" in note for note in result.table.notes)
    with pytest.raises(ConfigError, match="there are none; give them from Python"):
        hybrid_train.run(SMALL | {"data": {"kind": "arrays"}})
    with pytest.raises(ConfigError, match="give data="):
        hybrid_train.run(config, test=(X, WORDS))
    with pytest.raises(ConfigError, match="each of them says what is held out"):
        hybrid_train.run(SMALL | {"data": {"test": 0.2}}, data=(X, WORDS), test=(X, WORDS))
    with pytest.raises(DataError, match="other columns than data"):
        hybrid_train.run(SMALL, data=(X, WORDS), test=(X[:, :2], WORDS))
    with pytest.raises(DataError, match="row 1 is of class maybe; known: no, yes"):
        hybrid_train.run(SMALL, data=(X, WORDS), test=(X[:2], ["no", "maybe"]))
