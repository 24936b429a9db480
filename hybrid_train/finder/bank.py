"""Banks: the two sets of vectors a finder watches, and how they move."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hybrid_train.errors import DataError, InvariantError
from hybrid_train.support.arrays import FloatArray, IntArray, aligned_copy, distinct
from hybrid_train.support.declared import an, array, checked, either, flag, inside, optional, text, whole
from hybrid_train.support.kernels import kernel
from hybrid_train.support.messages import quoted
from hybrid_train.support.parallel import in_threads

Rows = IntArray | slice

S = TypeVar("S", bound="Store")

_THREAD_NUMBERS = 1 << 18
"""Coordinates that are worth waking a thread for."""


class Ledger(ABC):
    """How far the rows of a bank have moved, in a form that is smaller than the rows."""

    @abstractmethod
    def add(self, rows: IntArray, vectors: FloatArray) -> None:
        """Add the motion of ``rows`` to their ``vectors`` (len(rows), d) float64, term by term in one fixed order."""

    @abstractmethod
    def moved(self) -> Iterator[IntArray]:
        """Yield the rows that may have moved, some at a time."""

    def carry(self, array: FloatArray) -> None:
        """Add the motion to the rows of ``array`` (N, d), which holds them as they were, each rounded once."""
        for rows in self.moved():
            array[rows] = with_motion(array[rows], rows, [self])


class Store(ABC):
    """The memory of a bank, arranged otherwise by whoever trains it; the bank reads its rows through it."""

    @abstractmethod
    def rows(self, rows: IntArray) -> FloatArray:
        """Return (len(rows), d) the current vectors of ``rows``, C-contiguous."""

    @abstractmethod
    def put(self, rows: IntArray, vectors: FloatArray) -> None:
        """Put the vectors (len(rows), d) in the place of ``rows``."""

    @abstractmethod
    def leave(self) -> None:
        """Arrange the memory row by row again."""


class Bank(ABC):
    """A set of vectors, owned and moved by a trainer, read row by row by finders.

    A finder given a bank may keep it instead of a copy: its rows are always the current ones, and every change is
    announced by a ``move_*`` call before the next ``find``. A bank need not be stored: one that re-creates its rows
    on demand is as good.
    """

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """(number of vectors, dimension)."""

    @property
    @abstractmethod
    def dtype(self) -> np.dtype[Any]:
        """float32 or float64."""

    @abstractmethod
    def __getitem__(self, rows: Rows) -> FloatArray:
        """Return the current vectors of ``rows`` (a slice or an integer array), C-contiguous, not to be written to."""

    @abstractmethod
    def assign(self, rows: IntArray, vectors: FloatArray) -> None:
        """Put the vectors (len(rows), d) in the place of ``rows``."""

    @abstractmethod
    def move_along(self, rows: IntArray, coefficients: sparse.csr_array, directions: FloatArray) -> Motion:
        """Add ``coefficients @ directions`` to ``rows`` and return the motion, ready to be told to a finder.

        Term by term, in the precision of the bank: finders that follow the motion bound their error by that.

        Args:
            rows: (k,) distinct rows.
            coefficients: (k, n) sparse.
            directions: (n, d) the other bank's vectors.
        """

    @abstractmethod
    def attach(self, ledger: Ledger) -> None:
        """Let ``ledger`` keep the rows' motion from now on: they read as float64, and nobody else may move them."""

    @abstractmethod
    def release(self, ledger: Ledger) -> None:
        """Let the ledger's owner go: a stored bank carries the motion out; one that is not stored keeps the ledger."""

    @abstractmethod
    def before(self, ledger: Ledger) -> Bank:
        """Return the rows as they were when ``ledger`` was attached, to be read only."""

    def lent(self) -> FloatArray | None:
        """Return the (N, d) array that holds the rows, for the bank's only mover to write to; None if there is none."""
        return None

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> FloatArray:
        return np.array(self[:], dtype=dtype, copy=copy)


@dataclass(frozen=True, eq=False)
class Motion:
    """Rows of a bank that just moved by a sparse combination of the other bank's vectors.

    Every update of every trainer here has this form (dW = C X). A finder that can follow it through the Gram matrix
    reads ``coefficients`` and never touches d dimensions; any other asks for ``vectors``. Where some coordinates are
    not trained, the combined ``directions`` are not quite the other bank's vectors.

    Attributes:
        bank: the bank, already moved.
        rows: (k,) the rows that moved.
        coefficients: (k, n) sparse; the rows moved by ``coefficients @ directions``.
        directions: (n, d) what is combined; None for the other bank's vectors as they are now.
    """

    bank: Bank
    rows: IntArray
    coefficients: sparse.csr_array
    directions: FloatArray | None = None

    @property
    def vectors(self) -> FloatArray:
        """(k, d) where the rows are now; built when asked for."""
        return self.bank[self.rows]


@final
class DenseBank(Bank):
    """A bank held in memory as one (N, d) array.

    Args:
        vectors: (N, d) numbers. float32 stays float32, everything else becomes float64.
        name: for messages.
        copy: whether they are copied; an array that nobody else holds need not be.

    Raises:
        DataError: not two-dimensional, empty, or not finite.
    """

    @checked(vectors=inside(array(2)), name=text(), copy=flag())
    def __init__(self, vectors: npt.ArrayLike, name: str = "vectors", *, copy: bool = True) -> None:
        given = checked_vectors(vectors, name)
        self._array = aligned_copy(given) if copy else given
        self._ledger: Ledger | None = None
        self._store: Store | None = None

    @property
    def shape(self) -> tuple[int, int]:
        return self._array.shape[0], self._array.shape[1]

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._array.dtype if self._ledger is None else np.dtype(np.float64)

    def __getitem__(self, rows: Rows) -> FloatArray:
        if self._store is not None:
            taken = self._store.rows(self._numbered(rows))
        elif self._ledger is not None:
            taken = with_motion(self._array[rows], self._numbered(rows), [self._ledger])
        else:
            taken = self._array[rows]
        taken.flags.writeable = False
        return taken

    def assign(self, rows: IntArray, vectors: FloatArray) -> None:
        self._check_free()
        self._array[rows] = vectors

    def lend(self, arrange: Callable[[FloatArray], S]) -> S:
        """Let ``arrange`` make a store of the (N, d) array, in place, and read the rows through it from now on.

        Raises:
            InvariantError: somebody else keeps the motion of this bank, or its memory.
        """
        self._check_free()
        store = arrange(self._array)
        self._store = store
        return store

    def take_back(self, store: Store) -> None:
        """Have the memory that was lent to this store back, row by row.

        Raises:
            InvariantError: it was lent to another, or to nobody.
        """
        if store is not self._store:
            raise InvariantError("the memory of this bank was not lent to this store")
        store.leave()
        self._store = None

    def move_along(self, rows: IntArray, coefficients: sparse.csr_array, directions: FloatArray) -> Motion:
        self._check_free()
        steps = coefficients.indptr, coefficients.indices, coefficients.data

        def move(first: int, last: int) -> None:
            _add_combinations(self._array, rows[first:last], steps[0][first : last + 1], *steps[1:], directions)

        in_threads(move, len(rows), _THREAD_NUMBERS // self.shape[1] + 1)
        return Motion(self, rows, coefficients)

    def lent(self) -> FloatArray:
        self._check_free()
        return self._array

    def attach(self, ledger: Ledger) -> None:
        self._check_free()
        self._ledger = ledger

    def release(self, ledger: Ledger) -> None:
        if ledger is not self._ledger:
            raise InvariantError("this ledger is not attached to this bank")
        ledger.carry(self._array)
        self._ledger = None

    def before(self, ledger: Ledger) -> DenseBank:
        if ledger is not self._ledger:
            raise InvariantError("this ledger is not attached to this bank")
        return DenseBank(self._array, "vectors", copy=False)

    def _check_free(self) -> None:
        if self._ledger is not None:
            raise InvariantError("a ledger keeps the motion of this bank: only its owner may move the rows")
        if self._store is not None:
            raise InvariantError("the memory of this bank is lent: only whoever has it may move the rows")

    def _numbered(self, rows: Rows) -> IntArray:
        return np.arange(*rows.indices(len(self))) if isinstance(rows, slice) else rows


def with_motion(vectors: FloatArray, rows: IntArray, ledgers: Sequence[Ledger]) -> FloatArray:
    """Return the ``vectors`` of ``rows`` with what the ledgers add to them: a float64 copy if there are any."""
    if not ledgers:
        return vectors
    moved = np.array(vectors, np.float64, order="C")
    for ledger in ledgers:
        ledger.add(np.ascontiguousarray(rows, np.int64), moved)
    return moved


@kernel
def _add_combinations(array: Any, rows: Any, indptr: Any, indices: Any, factors: Any, directions: Any) -> None:
    """Add to each row its combination of the directions, one term after the other."""
    for k in range(rows.size):
        row = array[rows[k]]
        for entry in range(indptr[k], indptr[k + 1]):
            factor = factors[entry]
            direction = directions[indices[entry]]
            for j in range(row.size):
                row[j] += factor * direction[j]


@final
class Watched:
    """What a finder keeps of a bank: a live :class:`Bank` by reference, anything else by copy.

    Either way ``watched[rows]`` are the current vectors once ``put`` was called for every move.

    Args:
        source: a Bank, or an (N, d) array.
        name: "points" or "queries", for messages.
    """

    def __init__(self, source: Bank | npt.ArrayLike, name: str) -> None:
        self.name = name
        self.live = isinstance(source, Bank)
        self.bank: Bank = source if isinstance(source, Bank) else DenseBank(source, name)

    @property
    def shape(self) -> tuple[int, int]:
        """(number of vectors, dimension)."""
        return self.bank.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32 or float64."""
        return self.bank.dtype

    def __len__(self) -> int:
        return len(self.bank)

    def __getitem__(self, rows: Rows) -> FloatArray:
        return self.bank[rows]

    def taken(self, rows: IntArray) -> FloatArray:
        """Return the vectors of ``rows``, without copying where they follow one another."""
        if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():
            return np.ascontiguousarray(self[int(rows[0]) : int(rows[-1]) + 1])
        return np.ascontiguousarray(self[rows])

    def put(self, rows: npt.ArrayLike, vectors: npt.ArrayLike) -> IntArray:
        """Take note that ``rows`` are now at ``vectors``; return the checked rows.

        Raises:
            DataError: rows out of range or repeated, or vectors of another shape or not finite.
        """
        where = checked_rows(rows, len(self), self.name)
        if not self.live:
            try:
                moved = np.asarray(vectors)
            except (TypeError, ValueError):
                raise DataError(f"{self.name}: expected new vectors of shape (rows, d), got a ragged list") from None
            if moved.shape != (len(where), self.shape[1]):
                raise DataError(
                    f"{self.name}: {len(where)} rows of dimension {self.shape[1]} cannot move to an array of shape "
                    f"{moved.shape}"
                )
            if moved.size and moved.dtype.kind not in "fiu":
                raise DataError(f"{self.name}: expected real numbers, got new vectors of {moved.dtype}")
            if not np.isfinite(moved).all():
                raise DataError(f"{self.name}: the new vectors hold NaN or infinity")
            self.bank.assign(where, moved)
        return where


@checked(points=inside(either(an(Bank), array(2))), queries=inside(either(an(Bank), array(2))))
def watch_both(points: Bank | npt.ArrayLike, queries: Bank | npt.ArrayLike) -> tuple[Watched, Watched]:
    """Return both banks as a finder keeps them.

    Raises:
        DataError: a bank is empty, not finite or not two-dimensional, or their dimensions differ.
    """
    watched = Watched(points, "points"), Watched(queries, "queries")
    if watched[0].shape[1] != watched[1].shape[1]:
        raise DataError(f"points have dimension {watched[0].shape[1]} but queries have dimension {watched[1].shape[1]}")
    return watched


def checked_threshold(threshold: float) -> float:
    """Return a threshold b as a float.

    Raises:
        DataError: not a real number, or not finite.
    """
    number = isinstance(threshold, int | float | np.floating | np.integer) and not isinstance(threshold, bool)
    try:
        value = float(threshold) if number else math.nan
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise DataError(f"threshold={quoted(threshold)}: expected a finite number, the b of <p, q> > b")
    return value


def checked_vectors(vectors: npt.ArrayLike, name: str) -> FloatArray:
    """Return ``vectors`` as a C-contiguous (N, d) float array (float32 stays, everything else becomes float64).

    Raises:
        DataError: not numbers, not two-dimensional, no rows, no columns, or not finite (the first bad row is named).
    """
    try:
        array = np.asarray(vectors)
        if array.size and array.dtype.kind not in "fiu":
            raise DataError(f"{name}: expected real numbers of shape (N, d), got an array of {array.dtype}")
        array = np.ascontiguousarray(array, dtype=array.dtype if array.dtype == np.float32 else np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name}: expected a numeric array of shape (N, d): {error}") from None
    if array.ndim != 2 or 0 in array.shape:
        raise DataError(f"{name}: expected shape (N, d) with N >= 1 and d >= 1, got {array.shape}")
    finite = np.isfinite(array).all(axis=1)
    if not finite.all():
        raise DataError(f"{name}: row {int(np.argmin(finite))} holds NaN or infinity")
    return array


@checked(rows=inside(optional(array(1, "iu", empty=True))), count=whole(0), name=text())
def checked_rows(rows: npt.ArrayLike | None, count: int, name: str) -> IntArray:
    """Return ``rows`` as distinct integers in [0, count); None means all of them.

    Raises:
        DataError: not integers, out of range, or repeated.
    """
    if rows is None:
        return np.arange(count)
    try:
        array = np.asarray(rows)
    except ValueError:
        raise DataError(f"{name}: rows must be a one-dimensional array of integers, got a ragged list") from None
    if array.size == 0:
        return np.empty(0, np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise DataError(f"{name}: rows must be a one-dimensional array of integers, got {array.dtype} {array.shape}")
    if array.min() < 0 or array.max() >= count:
        raise DataError(f"{name}: rows must lie in [0, {count}), got {array.min()} to {array.max()}")
    if not (np.diff(array) > 0).all() and len(distinct(array)) != len(array):
        raise DataError(f"{name}: rows must be distinct")
    return array.astype(np.int64, copy=False)
