"""Preparing rows: what is fitted to which rows, decided by what, and kept how."""

from __future__ import annotations

import io
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from hybrid_train.data import Examples, Preparation, Wishes, breast_cancer, prepared, scikit_table
from hybrid_train.data.holding_out import held_out_rows, overlap
from hybrid_train.data.preparation import fitted
from hybrid_train.errors import CheckpointError, ConfigError, DataError

ROWS = np.random.default_rng(0).standard_normal((40, 3)) * [1.0, 10.0, 100.0] + [0.0, 5.0, -300.0]
LABELS = np.arange(40) % 3
EXAMPLES = Examples(ROWS, LABELS, "mine", 3, ("a", "b", "c"), ("x", "y", "z"), "kind")


def test_columns_are_scaled_as_scikit_learn_does_and_rows_get_length_one() -> None:
    data = prepared(EXAMPLES, Wishes(standardise=True))
    scaled = StandardScaler().fit_transform(ROWS)
    assert np.allclose(data.dataset.inputs, scaled / np.linalg.norm(scaled, axis=1, keepdims=True), atol=1e-14)


def test_a_constant_coordinate_keeps_the_length_of_a_row() -> None:
    data = prepared(EXAMPLES, Wishes(standardise=True, bias=True))
    units = data.dataset.inputs
    scaled = StandardScaler().fit_transform(ROWS)
    assert data.preparation.constant == pytest.approx(np.sqrt(3.0))  # the usual length of standardised rows
    assert np.allclose(units[:, :-1] / units[:, -1:] * data.preparation.constant, scaled)


def test_what_scales_is_fitted_to_the_rows_trained_on_alone() -> None:
    data = prepared(EXAMPLES, Wishes(test=0.25, standardise=True))
    kept, out = train_test_split(np.arange(40), test_size=0.25, random_state=0, stratify=LABELS)
    kept, out = np.sort(kept), np.sort(out)
    scaler = StandardScaler().fit(ROWS[kept])
    assert data.held_out is not None
    for found, rows in ((data.dataset, kept), (data.held_out, out)):
        scaled = scaler.transform(ROWS[rows])
        assert np.allclose(found.inputs, scaled / np.linalg.norm(scaled, axis=1, keepdims=True), atol=1e-14)
        assert found.targets.tolist() == LABELS[rows].tolist()
    spoilt = replace(EXAMPLES, inputs=np.where(np.isin(np.arange(40), out)[:, None], 1e6, ROWS))
    assert np.array_equal(prepared(spoilt, Wishes(test=0.25, standardise=True)).dataset.inputs, data.dataset.inputs)


@pytest.mark.parametrize("seed", [0, 7, 2**32 + 7])
def test_held_out_rows_are_those_of_scikit_learn(seed: int) -> None:
    kept, out, note = held_out_rows(40, 0.3, seed, LABELS)
    theirs = train_test_split(np.arange(40), test_size=0.3, random_state=seed % 2**32, stratify=LABELS)
    assert (kept.tolist(), out.tolist(), note) == (sorted(theirs[0]), sorted(theirs[1]), "")


def test_rows_are_held_out_of_tiny_tables_too_or_refused() -> None:
    kept, out, note = held_out_rows(6, 0.34, 0, np.array([0, 0, 0, 1, 1, 2]))
    assert sorted([*kept, *out]) == list(range(6))
    assert "too few rows" in note
    with pytest.raises(DataError, match="take a smaller share"):
        held_out_rows(2, 0.9, 0)
    with pytest.raises(DataError, match="there is 1 row"):
        held_out_rows(1, 0.5, 0)
    with pytest.raises(ConfigError, match="test=1"):
        held_out_rows(5, 1.0, 0)


def test_targets_are_scaled_and_come_back() -> None:
    real = replace(EXAMPLES, targets=ROWS[:, 2], labels=None, classes=None)
    data = prepared(real, Wishes(standardise=True, test=0.2))
    assert data.dataset.targets.mean() == pytest.approx(0, abs=1e-12)
    assert data.dataset.targets.std() == pytest.approx(1)
    assert any("losses are in spreads" in note for note in data.dataset.notes)
    assert np.allclose(np.sort(data.preparation.values(data.dataset.targets)), np.sort(real.targets[_kept()]))
    plain = prepared(replace(real, targets=ROWS[:, 0]), Wishes(standardise="auto")).preparation
    assert (plain.target_centre, plain.target_spread) == (0.0, 1.0)


def _kept() -> Any:
    return held_out_rows(40, 0.2, 0)[0]


@pytest.mark.parametrize(
    ("rows", "standardise", "why"),
    [
        (load_wine().data, True, "their spreads differ"),
        (load_breast_cancer().data, True, "their spreads differ"),
        (load_iris().data, True, "their spreads differ"),
        (load_digits().data, "centre", "share a unit: they all begin at 0"),
        (np.random.default_rng(1).standard_normal((50, 4)), False, "about 0 and spread alike"),
        (np.random.default_rng(1).normal([20.0, 30.0], 1.0, (50, 2)), True, "their means are away from 0"),
        (np.ones((5, 2)), False, "no column varies"),
    ],
)
def test_auto_asks_whether_columns_share_a_unit(rows: Any, standardise: Any, why: str) -> None:
    found, (note,) = fitted(np.asarray(rows), standardise="auto", bias="auto", name="mine")
    assert ("centre" in found, "constant" in found) == (bool(standardise), bool(standardise))
    if standardise:
        assert (found["spread"] == 1).all() == (standardise == "centre")
    assert why in note
    assert f"standardise={str(standardise is not True).lower()}" in note


def test_columns_that_do_not_vary_and_numbers_that_overflow() -> None:
    found, _ = fitted(np.array([[1.0, 0.1], [2.0, 0.1], [4.0, 0.1]]), standardise=True, bias=False, name="mine")
    assert found["spread"][1] == 1.0
    with pytest.raises(DataError, match="column 0 holds numbers too large"):
        fitted(np.array([[1e200], [-1e300]]), standardise=True, bias=False, name="mine")


def test_weights_count_as_repeated_rows() -> None:
    weights = np.arange(40) % 4
    once, _ = fitted(ROWS, standardise=True, bias=True, name="mine", weights=weights.astype(float))
    often, _ = fitted(np.repeat(ROWS, weights, axis=0), standardise=True, bias=True, name="mine")
    for part, value in once.items():
        assert np.allclose(value, often[part])


def test_arrays_hold_all_there_is_to_know() -> None:
    data = prepared(EXAMPLES, Wishes(standardise=True, bias=True)).preparation
    for preparation in (data, replace(data, labels=(1, 2.5, "c"), lifted=True), Preparation(3)):
        file = io.BytesIO()
        np.savez(file, **preparation.arrays())
        file.seek(0)
        with np.load(file, allow_pickle=False) as arrays:
            found = Preparation.of_arrays(arrays)
        assert found is not None
        for field in fields(Preparation):
            assert np.array_equal(getattr(found, field.name), getattr(preparation, field.name)), field.name
    assert Preparation.of_arrays({}) is None
    with pytest.raises(CheckpointError, match="says 3 and 2 columns"):
        Preparation.of_arrays(data.arrays() | {"preparation_centre": np.ones(2)})


def test_a_row_of_another_kind_is_refused() -> None:
    preparation = prepared(EXAMPLES, Wishes(standardise=True)).preparation
    with pytest.raises(DataError, match=r"2 columns, but the network was trained on 3 \(x, y, z\)"):
        preparation.apply(np.ones((1, 2)))
    with pytest.raises(DataError, match="NaN"):
        preparation.apply([[np.nan, 1, 2]])


def test_the_tables_of_scikit_learn() -> None:
    assert [len(scikit_table(name)) for name in ("breast_cancer", "wine", "iris", "diabetes")] == [569, 178, 150, 442]
    assert scikit_table("iris").labels == ("setosa", "versicolor", "virginica")
    assert scikit_table("breast_cancer").labels == ("malignant", "benign")
    assert scikit_table("diabetes").labels is None
    scaled = StandardScaler().fit_transform(load_breast_cancer().data)
    assert np.allclose(breast_cancer().inputs, scaled / np.linalg.norm(scaled, axis=1, keepdims=True))


def test_rows_that_are_on_both_sides_are_told() -> None:
    twice = Examples(np.vstack([ROWS, ROWS]), np.tile(LABELS, 2), "mine", 3, ("a", "b", "c"))
    notes = prepared(twice, Wishes(test=0.5)).dataset.notes
    assert any("held-out rows are also among those trained on" in note for note in notes)
    assert overlap(np.eye(3)[:2], np.eye(3)) == 2
