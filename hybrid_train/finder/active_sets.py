"""The answer of a finder: which points are active for which queries, and their inner products."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hybrid_train.errors import InvariantError
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.declared import Kind, array, checked, inside, sequence, shown, whole, word
from hybrid_train.support.kernels import kernel
from hybrid_train.support.messages import quoted

Major = Literal["query", "point"]


def _group(keys: IntArray, size: int) -> tuple[IntArray, IntArray, IntArray]:
    """Return (occupied keys ascending, indptr over them, a stable order of the entries by key).

    Touches only the keys that occur (the scratch array comes from the operating system's zero pages).
    """
    count = np.zeros(size, np.int64)
    occupied = np.sort(_count(keys, count))
    indptr = np.empty(len(occupied) + 1, np.int64)
    order = np.empty(len(keys), np.int64)
    _place(keys, count, occupied, indptr, order)
    return occupied, indptr, order


@kernel
def _count(keys: Any, count: Any) -> Any:
    """Count each key's entries and return the keys that occur."""
    occupied = np.empty(min(count.size, keys.size), np.int64)
    found = 0
    for key in keys:
        if count[key] == 0:
            occupied[found] = key
            found += 1
        count[key] += 1
    return occupied[:found]


@kernel
def _place(keys: Any, count: Any, occupied: Any, indptr: Any, order: Any) -> None:
    """Turn counts into places, slot by slot, and write the order."""
    indptr[0] = 0
    for slot in range(occupied.size):
        key = occupied[slot]
        indptr[slot + 1] = indptr[slot] + count[key]
        count[key] = indptr[slot]
    for entry in range(keys.size):
        key = keys[entry]
        order[count[key]] = entry
        count[key] += 1


_ALL_ROWS: IntArray = np.empty(0, np.int64)
"""Stands for "every row of the bank" as a default; told apart by identity."""


_COUNT = whole(0, 1 << 48)


def _integers() -> Kind:
    return inside(array(1, empty=True))


@checked(
    indptr=_integers(),
    indices=_integers(),
    inner_products=inside(array(1, finite=False, empty=True)),
    shape=inside(sequence(_COUNT, 2)),
    rows=_integers(),
    major=inside(word("query", "point")),
)
@dataclass(frozen=True, eq=False)
class ActiveSets:
    """Active pairs in compressed-row form (CSR), stored by query or by point.

    Row ``j`` holds the pairs of bank row ``rows[j]``: the other side's indices are
    ``indices[indptr[j]:indptr[j + 1]]``, strictly ascending, and the inner products stand beside them. Rows that
    were not asked for (or, after a conversion, hold nothing) are simply absent, so the size of this object is the
    number of active pairs, never queries x points.

    Attributes:
        indptr: (R + 1,) integers, from 0 to the number of pairs.
        indices: (nnz,) integers: point indices when stored by query, query indices when stored by point.
        inner_products: (nnz,) floats, <p, q> of each pair.
        shape: (number of queries, number of points) of the two banks, however the pairs are stored.
        rows: (R,) integers, the bank rows the R rows belong to; all of them, in order, by default.
        major: ``"query"`` or ``"point"``: which bank ``rows`` counts in.

    Raises:
        InvariantError: when an array is not of its kind, or they do not fit each other (a finder built them wrongly).
    """

    indptr: IntArray
    indices: IntArray
    inner_products: FloatArray
    shape: tuple[int, int]
    rows: IntArray = field(default_factory=lambda: _ALL_ROWS)
    major: Major = "query"

    def __post_init__(self) -> None:
        if self.major not in ("query", "point"):
            raise InvariantError(f"ActiveSets: major={quoted(self.major)}: expected 'query' or 'point'")
        if not _is_shape(self.shape):
            raise InvariantError(
                f"ActiveSets: shape={quoted(self.shape)}: expected (number of queries, number of points)"
            )
        if self.rows is _ALL_ROWS:
            object.__setattr__(self, "rows", np.arange(self.shape[0 if self.major == "query" else 1]))
        for name in ("indptr", "indices", "rows"):
            object.__setattr__(self, name, _checked_array(getattr(self, name), name, "iu").astype(np.int64, copy=False))
        object.__setattr__(self, "inner_products", _checked_array(self.inner_products, "inner_products", "fiu"))
        if len(self.indptr) != len(self.rows) + 1 or self.indptr[0] != 0 or (np.diff(self.indptr) < 0).any():
            raise InvariantError(
                f"ActiveSets: indptr must rise from 0 over {len(self.rows)} rows, got {len(self.indptr)} entries"
            )
        if not self.indptr[-1] == len(self.indices) == len(self.inner_products):
            raise InvariantError(
                f"ActiveSets: indptr ends at {self.indptr[-1]}, but there are {len(self.indices)} indices and "
                f"{len(self.inner_products)} inner products"
            )

    @property
    def nnz(self) -> int:
        """Number of active pairs."""
        return len(self.indices)

    @property
    def counts(self) -> IntArray:
        """(R,) active pairs of each stored row."""
        return np.diff(self.indptr)

    @property
    def _row_of_pair(self) -> IntArray:
        return np.repeat(self.rows, self.counts)

    @property
    def query_ids(self) -> IntArray:
        """(nnz,) the query of each pair."""
        return self._row_of_pair if self.major == "query" else self.indices

    @property
    def point_ids(self) -> IntArray:
        """(nnz,) the point of each pair."""
        return self.indices if self.major == "query" else self._row_of_pair

    def __iter__(self) -> Iterator[tuple[int, IntArray, FloatArray]]:
        """Yield (bank row, indices, inner products) of every stored row."""
        for j, row in enumerate(self.rows):
            part = slice(self.indptr[j], self.indptr[j + 1])
            yield int(row), self.indices[part], self.inner_products[part]

    def by_query(self) -> ActiveSets:
        """Return the same pairs stored by query."""
        return self if self.major == "query" else self._transposed()

    def by_point(self) -> ActiveSets:
        """Return the same pairs stored by point."""
        return self if self.major == "point" else self._transposed()

    def _transposed(self) -> ActiveSets:
        other: Major = "point" if self.major == "query" else "query"
        ascending = self if (np.diff(self.rows) > 0).all() else self._sorted_by_row()
        occupied, indptr, order = _group(ascending.indices, ascending.shape[1 if self.major == "query" else 0])
        return ActiveSets(
            indptr, ascending._row_of_pair[order], ascending.inner_products[order], self.shape, occupied, other
        )

    def _sorted_by_row(self) -> ActiveSets:
        return _join(self.rows, self.counts, self.indices, self.inner_products, self)

    def occupied(self) -> ActiveSets:
        """Return the same pairs without the rows that hold none."""
        keep = self.counts > 0
        indptr = np.concatenate([[0], self.indptr[1:][keep]])
        return ActiveSets(indptr, self.indices, self.inner_products, self.shape, self.rows[keep], self.major)

    def only(self, indices: IntArray) -> ActiveSets:
        """Return the pairs with these points (these queries, if stored by point), without rows that hold none."""
        kept = np.isin(self.indices, indices)
        within = np.concatenate([[0], np.cumsum(kept)])
        return ActiveSets(
            within[self.indptr], self.indices[kept], self.inner_products[kept], self.shape, self.rows, self.major
        ).occupied()

    def replaced(self, newer: ActiveSets) -> ActiveSets:
        """Return these sets with the rows stored in ``newer`` taking the place of the old ones.

        The result is ordered by row and holds only rows with active pairs, so the cost is the number of pairs.

        Raises:
            InvariantError: when the two are stored differently or belong to banks of other sizes.
        """
        if newer.major != self.major or newer.shape != self.shape:
            raise InvariantError(
                f"ActiveSets.replaced: {newer.major}/{newer.shape} cannot replace rows of {self.major}/{self.shape}"
            )
        kept = ~np.isin(self.rows, newer.rows)
        pairs = np.repeat(kept, self.counts)
        return _join(
            np.concatenate([self.rows[kept], newer.rows]),
            np.concatenate([self.counts[kept], newer.counts]),
            np.concatenate([self.indices[pairs], newer.indices]),
            np.concatenate([self.inner_products[pairs], newer.inner_products]),
            self,
        ).occupied()

    def to_scipy(self) -> sparse.csr_array:
        """Return a (queries, points) SciPy CSR array of the inner products; rows not asked for are empty."""
        asked = self.by_query()
        indptr = np.zeros(self.shape[0] + 1, np.int64)
        indptr[asked.rows + 1] = asked.counts
        ordered = asked if (np.diff(asked.rows) > 0).all() else asked._sorted_by_row()
        return sparse.csr_array((ordered.inner_products, ordered.indices, np.cumsum(indptr)), shape=self.shape)

    def same_sets(self, other: ActiveSets) -> bool:
        """Return whether both hold the same pairs, whatever their layout, order of rows or rounding of values."""

        def codes(sets: ActiveSets) -> IntArray:
            return np.sort(sets.query_ids * self.shape[1] + sets.point_ids)

        return self.shape == other.shape and np.array_equal(codes(self), codes(other))


def _is_shape(shape: Any) -> bool:
    return isinstance(shape, tuple | list) and len(shape) == 2 and all(map(_COUNT.accepts, shape))


def _checked_array(given: Any, name: str, kinds: str) -> npt.NDArray[Any]:
    """Return numbers of a kind in one dimension; whole floats will do for integers, an empty list for anything."""
    try:
        array = np.asarray(given)
    except (TypeError, ValueError, OverflowError):
        array = np.empty((0, 0))
    is_whole = (
        "f" not in kinds and array.dtype.kind == "f" and np.isfinite(array).all() and (array == np.trunc(array)).all()
    )
    if array.ndim != 1 or (array.size and array.dtype.kind not in kinds and not is_whole):
        what = "integers" if kinds == "iu" else "numbers"
        raise InvariantError(f"ActiveSets: {name}: expected a one-dimensional array of {what}, got {shown(given)}")
    return array if array.dtype.kind in kinds or is_whole else np.empty(0, np.float64 if "f" in kinds else np.int64)


def _join(rows: IntArray, counts: IntArray, indices: IntArray, values: FloatArray, like: ActiveSets) -> ActiveSets:
    """Order rows (with their runs of pairs) by bank row."""
    order = np.argsort(rows, kind="stable")
    starts = np.concatenate([[0], np.cumsum(counts)])[:-1][order]
    indptr = np.concatenate([[0], np.cumsum(counts[order])])
    take = np.repeat(starts - indptr[:-1], counts[order]) + np.arange(indptr[-1])
    return ActiveSets(indptr, indices[take], values[take], like.shape, rows[order], like.major)
