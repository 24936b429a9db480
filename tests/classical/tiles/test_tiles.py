"""A matrix in tiles gives what the matrix gives: rows, sets, sums, products backward, and moves done on the way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from classical.tiles import tiles as module
from classical.tiles.lists import Lists, lists_from, taken
from classical.tiles.tiles import Tiles
from hybrid_train.finder.bank import DenseBank
from hybrid_train.finder.scan import active_pairs
from hybrid_train.support.parallel import threads

SHAPES = [(130, 70, 5, 1), (64, 64, 3, None), (1, 1, 1, None), (200, 300, 9, 2), (63, 129, 2, 1), (192, 20, 4, None)]
"""(rows, columns, queries, tiles in a block): whole tiles and narrow ones, one block and several."""

every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
few_and_many = pytest.mark.parametrize("threshold", [0.5, 3.0])
"""At the higher one so few fire in a tile that they are followed one by one."""

both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Share even small matrices out."""
    monkeypatch.setattr(module, "_THREAD_NUMBERS", 1)


def drawn(shape: tuple[int, int, int, Any], dtype: Any, share: float = 0.3) -> tuple[np.ndarray, np.ndarray, Tiles]:
    """Return a matrix, queries, and the matrix in tiles."""
    m, d, count, block = shape
    rng = np.random.default_rng(m + d)
    matrix = rng.standard_normal((m, d)).astype(dtype)
    queries = (rng.standard_normal((count, d)) * (rng.random((count, d)) < share)).astype(dtype)
    return matrix, queries, Tiles(matrix.copy(), block)


def dense(lists: Lists, columns: int) -> np.ndarray:
    out = np.zeros((len(lists.starts), columns))
    for j, (first, last) in enumerate(zip(lists.starts[:, 0], lists.starts[:, -1], strict=True)):
        out[j, lists.columns[first:last]] = lists.values[first:last]
    return out


def assert_same_sets(found: Lists, matrix: np.ndarray, queries: np.ndarray, threshold: float) -> None:
    truth = active_pairs(matrix, queries, threshold)
    assert np.array_equal(found.indptr, truth.indptr)
    assert np.array_equal(found.columns, truth.indices)


@every_shape
@both_dtypes
def test_rows_are_read_written_and_given_back(shape: Any, dtype: Any) -> None:
    matrix, _, _ = drawn(shape, dtype)
    memory = matrix.copy()
    tiles = Tiles(memory)
    rows = np.random.default_rng(1).permutation(len(matrix))[: 1 + len(matrix) // 2]
    assert np.array_equal(tiles.rows(rows), matrix[rows])
    fresh = np.random.default_rng(2).standard_normal((len(rows), matrix.shape[1])).astype(dtype)
    tiles.put(rows, fresh)
    matrix[rows] = fresh
    assert np.array_equal(tiles.rows(np.arange(len(matrix))), matrix)
    tiles.leave()
    assert np.array_equal(memory, matrix)


@every_shape
@both_dtypes
@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 1.0])
def test_what_fires_is_what_a_scan_finds(shape: Any, dtype: Any, share: float) -> None:
    matrix, queries, tiles = drawn(shape, dtype, share)
    for threshold in (0.5, 0.0, -0.3):
        truth = active_pairs(matrix, queries, threshold)
        exactly = tiles.fired(lists_from(queries), threshold, exact=True)
        assert_same_sets(exactly, matrix, queries, threshold)
        assert np.array_equal(exactly.values, truth.inner_products)
        roughly = tiles.fired(lists_from(queries), threshold)
        assert_same_sets(roughly, matrix, queries, threshold)
        assert np.allclose(roughly.values, truth.inner_products, rtol=0, atol=2000 * np.finfo(dtype).eps)


@both_dtypes
def test_ties_and_neighbours_of_the_threshold_are_decided_by_the_predicate(dtype: Any) -> None:
    matrix, queries, tiles = drawn((130, 300, 6, 1), dtype)
    products = active_pairs(matrix, queries, -np.inf).inner_products
    for value in products[::61]:
        for threshold in (value, np.nextafter(value, np.inf), np.nextafter(value, -np.inf)):
            assert_same_sets(tiles.fired(lists_from(queries), float(threshold)), matrix, queries, float(threshold))


@both_dtypes
def test_margins_hold_where_sums_cancel(dtype: Any) -> None:
    """Sums of large numbers of both signs lose many digits: rough ones are far off, the sets are not."""
    rng = np.random.default_rng(0)
    half = rng.standard_normal((100, 60)) * 10.0 ** rng.integers(0, 6, 60)
    matrix = np.concatenate([half, -half + 1e-3 * rng.standard_normal(half.shape)], axis=1).astype(dtype)
    queries = np.ones((2, 120), dtype)
    tiles, lists = Tiles(matrix.copy()), lists_from(queries)
    for threshold in (0.0, 1e-3, -1e-3):
        assert_same_sets(tiles.fired(lists, threshold), matrix, queries, threshold)


@both_dtypes
def test_numbers_near_both_ends_of_the_range_are_no_trouble(dtype: Any) -> None:
    info = np.finfo(dtype)
    for size in (float(info.tiny), float(info.tiny) ** 0.5, float(info.max) ** 0.5, float(info.max) / 8):
        rng = np.random.default_rng(3)
        matrix = (size * rng.uniform(-1, 1, (70, 40))).astype(dtype)
        queries = rng.uniform(-1, 1, (3, 40)).astype(dtype)
        tiles = Tiles(matrix.copy())
        for threshold in (0.0, size / 3):
            assert_same_sets(tiles.fired(lists_from(queries), threshold), matrix, queries, threshold)


@every_shape
@both_dtypes
@few_and_many
def test_backward_and_push_are_products_at_their_pairs(shape: Any, dtype: Any, threshold: float) -> None:
    matrix, queries, tiles = drawn(shape, dtype)
    lists = lists_from(queries)
    fired = tiles.fired(lists, threshold)
    errors = fired.with_values(np.random.default_rng(4).standard_normal(len(fired.columns)))
    expected = dense(errors, len(matrix)) @ matrix
    room = 2000 * np.finfo(dtype).eps
    assert np.allclose(tiles.pull_back(lists, errors), expected[queries != 0], rtol=0, atol=room)
    assert np.allclose(tiles.push(lists, fired), fired.values, rtol=0, atol=2000 * np.finfo(dtype).eps)


@every_shape
@both_dtypes
@few_and_many
def test_a_move_is_done_for_whoever_looks_next(shape: Any, dtype: Any, threshold: float) -> None:
    matrix, queries, tiles = drawn(shape, dtype)
    lists, room = lists_from(queries), 400 * np.finfo(dtype).eps
    fired = tiles.fired(lists, threshold)
    pulls = fired.with_values(np.random.default_rng(5).standard_normal(len(fired.columns)).astype(dtype))
    step = dense(pulls, len(matrix)).T @ queries
    everything = np.arange(len(matrix))

    tiles.move(lists, pulls)
    found = tiles.fired(lists, 0.5)
    moved = tiles.rows(everything)
    assert np.allclose(moved, matrix + step, rtol=0, atol=room)
    assert_same_sets(found, moved, queries, 0.5)

    tiles.move(lists, pulls)
    assert np.allclose(tiles.rows(everything), matrix + 2 * step, rtol=0, atol=2 * room)
    tiles.move(lists, pulls)
    tiles.move(lists, pulls)
    tiles.settle()
    tiles.settle()
    assert np.allclose(tiles.rows(everything), matrix + 4 * step, rtol=0, atol=4 * room)


def test_results_do_not_depend_on_threads() -> None:
    outcomes = []
    for count in (1, 2, 5):
        with threads(count):
            _, queries, tiles = drawn((200, 300, 9, 2), np.float32)
            lists = lists_from(queries)
            fired = tiles.fired(lists, 0.5)
            tiles.move(lists, fired.with_values(np.float32(0.01) * fired.values.astype(np.float32)))
            again = tiles.fired(lists, 0.4)
            outcomes.append((again.columns, again.values, tiles.pull_back(lists, again), tiles.rows(np.arange(200))))
    for other in outcomes[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(outcomes[0], other, strict=True))


def test_no_queries_are_answered_with_nothing() -> None:
    _, queries, tiles = drawn((130, 70, 5, 1), np.float64)
    found = tiles.fired(lists_from(queries[:0]), 0.5)
    assert not len(found.columns)
    assert found.indptr.tolist() == [0]


def test_rows_of_lists_are_taken_in_any_order() -> None:
    _, queries, _ = drawn((1, 150, 6, None), np.float64)
    for rows in ([4, 0, 5], [2], []):
        some = taken(lists_from(queries), np.array(rows, np.int64))
        assert np.array_equal(dense(some, 150), queries[rows])
        assert np.array_equal(some.starts, lists_from(queries[rows]).starts)


def test_a_bank_whose_memory_is_lent_reads_the_same() -> None:
    matrix, queries, _ = drawn((130, 70, 5, 1), np.float32)
    bank = DenseBank(matrix)
    tiles = bank.lend(Tiles)
    assert np.array_equal(bank[:], matrix)
    assert np.array_equal(bank[np.array([129, 3])], matrix[[129, 3]])
    lists = lists_from(queries)
    fired = tiles.fired(lists, 0.5)
    tiles.move(lists, fired.with_values(fired.values.astype(np.float32)))
    moved = bank[:].copy()
    assert not np.array_equal(moved, matrix)
    bank.take_back(tiles)
    assert np.array_equal(bank[:], moved)
