"""Banks: who owns the vectors, who may write, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse

from hybrid_train.errors import DataError, InvariantError
from hybrid_train.finder.bank import (
    DenseBank,
    Ledger,
    Store,
    Watched,
    checked_rows,
    checked_threshold,
    checked_vectors,
    watch_both,
)


def test_a_bank_moves_along_the_other_and_tells_how() -> None:
    rng = np.random.default_rng(0)
    start, directions = rng.standard_normal((6, 3)), rng.standard_normal((4, 3))
    bank = DenseBank(start)
    coefficients = sparse.csr_array(np.array([[0.0, 2.0, 0.0, -1.0], [0.5, 0.0, 0.0, 0.0]]))
    motion = bank.move_along(np.array([1, 4]), coefficients, directions)
    expected = start.copy()
    expected[1] += 2 * directions[1] - directions[3]
    expected[4] += 0.5 * directions[0]
    assert np.allclose(bank[:], expected)
    assert np.array_equal(motion.vectors, bank[:][[1, 4]])
    assert np.array_equal(np.asarray(bank), bank[:])


def test_rows_of_a_bank_are_read_only_and_its_array_is_its_own() -> None:
    mine = np.ones((3, 2))
    bank = DenseBank(mine)
    mine[:] = 5.0
    assert (bank[:] == 1.0).all()
    for view in (bank[:], bank[np.array([0])]):
        with pytest.raises(ValueError, match="read-only"):
            view[0] = 2.0
    bank.assign(np.array([1]), np.array([[3.0, 4.0]]))
    assert bank[1:2].tolist() == [[3.0, 4.0]]


def test_a_live_bank_is_watched_by_reference_and_an_array_by_copy() -> None:
    bank, array = DenseBank(np.zeros((3, 2))), np.zeros((3, 2))
    live, copied = Watched(bank, "points"), Watched(array, "points")
    bank.assign(np.array([2]), np.array([[1.0, 1.0]]))
    assert live[2:3].tolist() == [[1.0, 1.0]]
    copied.put([2], [[4.0, 4.0]])
    assert copied[2:3].tolist() == [[4.0, 4.0]]
    assert not array.any()


def test_float32_stays_and_integers_become_float64() -> None:
    assert DenseBank(np.ones((2, 2), np.float32)).dtype == np.float32
    assert DenseBank([[1, 2], [3, 4]]).dtype == np.float64
    assert DenseBank(np.asfortranarray(np.ones((3, 4))))[:].flags.c_contiguous


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (np.ones(3), "shape"),
        (np.ones((0, 3)), "shape"),
        (np.ones((3, 0)), "shape"),
        ([[1.0, 2.0], [np.nan, 0.0]], "row 1"),
        ([["a", "b"]], "numeric"),
        ([[1.0], [1.0, 2.0]], "numeric"),
    ],
)
def test_bad_vectors_are_refused(vectors: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        checked_vectors(vectors, "points")


@pytest.mark.parametrize(
    ("rows", "message"),
    [([3], "lie in"), ([-1], "lie in"), ([0, 0], "distinct"), ([0.5], "integers"), ([[0]], "one-dimensional")],
)
def test_bad_rows_are_refused(rows: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        checked_rows(rows, 3, "points")


def test_dimensions_must_agree() -> None:
    with pytest.raises(DataError, match=r"dimension 2.*dimension 3"):
        watch_both(np.ones((1, 2)), np.ones((1, 3)))


class Pushed(Ledger):
    """Every second row has moved by one, once."""

    def add(self, rows: Any, vectors: np.ndarray) -> None:
        vectors[rows % 2 == 1] += 1.0

    def moved(self) -> Any:
        yield np.array([1])
        yield np.array([3])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_ledger_is_read_with_the_rows_and_carried_out_at_the_end(dtype: Any) -> None:
    start = np.arange(10.0).reshape(5, 2).astype(dtype)
    bank, ledger = DenseBank(start), Pushed()
    bank.attach(ledger)
    expected = start + np.array([0, 1, 0, 1, 0])[:, None]
    assert bank.dtype == np.float64
    assert np.array_equal(bank[:], expected)
    assert np.array_equal(bank[1:4:2], expected[1:4:2])
    assert np.array_equal(bank[np.array([3, 0])], expected[[3, 0]])
    bank.release(ledger)
    assert bank.dtype == dtype
    assert np.array_equal(bank[:], expected)


def test_only_the_owner_of_a_ledger_may_move_the_rows() -> None:
    bank, ledger = DenseBank(np.zeros((4, 2))), Pushed()
    bank.attach(ledger)
    with pytest.raises(InvariantError, match="ledger"):
        bank.assign(np.array([0]), np.ones((1, 2)))
    with pytest.raises(InvariantError, match="ledger"):
        bank.move_along(np.array([0]), sparse.csr_array(np.ones((1, 1))), np.ones((1, 2)))
    with pytest.raises(InvariantError, match="ledger"):
        bank.attach(Pushed())
    with pytest.raises(InvariantError, match="not attached"):
        bank.release(Pushed())


@pytest.mark.parametrize("kind", ["complex", "bool", "U8", "m8[s]", "object"])
def test_only_real_numbers_are_vectors(kind: str) -> None:
    with pytest.raises(DataError, match="points: expected real numbers"):
        checked_vectors(np.ones((2, 2), int).astype(kind), "points")


@pytest.mark.parametrize("threshold", [np.nan, np.inf, -np.inf, True, np.bool_(True), "1", None, 1j, [1.0], 10**400])
def test_a_threshold_is_a_finite_number(threshold: float) -> None:
    with pytest.raises(DataError, match=r"^threshold=.*: expected a finite number"):
        checked_threshold(threshold)


@pytest.mark.parametrize("threshold", [0, -2, 1.5, np.float32(1.5), np.int64(3)])
def test_any_real_number_will_do(threshold: float) -> None:
    value = checked_threshold(threshold)
    assert type(value) is float
    assert value == threshold


class Kept(Store):
    """Memory kept with its sign turned."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array
        np.negative(array, out=array)

    def rows(self, rows: np.ndarray) -> np.ndarray:
        return -self.array[rows]

    def put(self, rows: np.ndarray, vectors: np.ndarray) -> None:
        self.array[rows] = -vectors

    def leave(self) -> None:
        np.negative(self.array, out=self.array)


def test_a_bank_reads_the_memory_it_has_lent_through_the_store() -> None:
    vectors = np.arange(6.0).reshape(3, 2)
    bank = DenseBank(vectors)
    store = bank.lend(Kept)
    assert np.array_equal(bank[:], vectors)
    assert np.array_equal(bank[np.array([2, 0])], vectors[[2, 0]])
    for move in (lambda: bank.assign(np.array([0]), vectors[:1]), lambda: bank.lend(Kept)):
        with pytest.raises(InvariantError, match="is lent"):
            move()
    with pytest.raises(InvariantError, match="not lent to this store"):
        bank.take_back(Kept(vectors.copy()))
    store.put(np.array([1]), np.array([[7.0, 8.0]]))
    bank.take_back(store)
    assert bank[:].tolist() == [[0.0, 1.0], [7.0, 8.0], [4.0, 5.0]]
