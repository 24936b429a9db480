"""One layer of a deep network in training: the input layer, whose weights stay, and those whose weights are tiles."""

from __future__ import annotations

from typing import final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from classical.tiles.lists import Lists, lists_of, taken
from classical.tiles.tiles import Tiles
from hybrid_train.errors import InvariantError
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.audit import Audit, audit
from hybrid_train.finder.bank import Bank, DenseBank
from hybrid_train.finder.scan import active_pairs
from hybrid_train.network.deep import Layer
from hybrid_train.support.arrays import FloatArray, IntArray


@final
class InputLayer:
    """h_0 of every example, looked at again only where examples moved.

    Args:
        layer: l = 0.
        examples: (n, d).
    """

    def __init__(self, layer: Layer, examples: Bank) -> None:
        self._layer, self._examples = layer, examples
        self._points = layer.blocks[0].points
        self._stale = np.ones(len(examples), bool)
        self._sets: ActiveSets | None = None
        self._hidden: Lists | None = None

    def note(self, rows: IntArray) -> None:
        """Take note that these examples moved."""
        self._stale[rows] = True

    def forward(self, rows: IntArray) -> tuple[Lists, int]:
        """Return h_0 (len(rows), m) of some examples, and how many inner products that took."""
        stale = rows[self._stale[rows]]
        if len(stale):
            found = active_pairs(self._points, self._examples, self._layer.threshold, stale)
            self._sets = found if self._sets is None or self._stale.all() else self._sets.replaced(found)
            self._stale[stale] = False
            self._hidden = None
        return self._taken(rows), len(stale) * len(self._points)

    def input_gradient(self, errors: Lists) -> FloatArray:
        """Return (B, d) the errors (B, m) times the weights."""
        return np.asarray(as_array(errors, len(self._points)) @ self._points[:])

    def audit(self, rows: IntArray, hidden: Lists) -> Audit:
        """Compare h_0 of some examples with a scan."""
        shape = len(self._examples), len(self._points)
        sets = ActiveSets(hidden.indptr, hidden.columns, hidden.values, shape, rows)
        return audit(sets, self._points, self._examples, self._layer.threshold, query_rows=rows)

    def _taken(self, rows: IntArray) -> Lists:
        if self._sets is None:
            raise InvariantError("InputLayer: no examples were asked for")
        if self._hidden is None:
            found = self._sets.to_scipy()
            self._hidden = _hidden(
                lists_of(found.indptr, found.indices, found.data, len(self._points)), self._layer, self._points.dtype
            )
        everything = len(rows) == len(self._stale) and np.array_equal(rows, np.arange(len(rows)))
        return self._hidden if everything else taken(self._hidden, rows)


@final
class ColumnLayer:
    """A trained layer whose weights are tiles from :meth:`start` to :meth:`finish`.

    Args:
        layer: one block, which reads all of the layer below.

    Attributes:
        layer: as given.
    """

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self._store: Tiles | None = None
        points = layer.blocks[0].points
        if not isinstance(points, DenseBank):
            raise InvariantError("ColumnLayer: the weights are not stored")
        self._points = points

    @property
    def tiles(self) -> Tiles:
        """The weights.

        Raises:
            InvariantError: not started.
        """
        if self._store is None:
            raise InvariantError("ColumnLayer: start first")
        return self._store

    def start(self) -> None:
        """Arrange the weights in tiles, in place."""
        self._store = self._points.lend(Tiles)

    def finish(self) -> None:
        """Arrange the weights by rows again."""
        if self._store is not None:
            store, self._store = self._store, None
            self._points.take_back(store)

    def forward(self, below: Lists) -> tuple[Lists, int]:
        """Return h_l (B, m), in the dtype of the weights, and how many inner products that took."""
        queries = self.queries(below)
        rows, columns = self.tiles.shape
        hidden = _hidden(self.tiles.fired(queries, self.layer.threshold), self.layer, self.tiles.dtype)
        return hidden, -(-len(queries.columns) * rows // columns)

    def backward(self, below: Lists, errors: Lists) -> Lists:
        """Return the errors (B, D) at the neurons below that fire, float64, given those of this layer."""
        return below.with_values(self.tiles.pull_back(self.queries(below), errors))

    def push(self, below: Lists, pairs: Lists) -> FloatArray:
        """Return (nnz,) <p_r, v_j> at the pairs of this layer for other values v of the layer below."""
        return self.tiles.push(self.queries(below), pairs)

    def descend(self, below: Lists, errors: Lists, rate: float) -> int:
        """Move every W_r by -rate sum_j error_jr h_j; return how many neurons moved."""
        with np.errstate(over="ignore", under="ignore"):
            pulls = (-rate * self.layer.factor**2 * errors.values).astype(self.tiles.dtype)
        moving = np.zeros(self.tiles.shape[0], bool)
        moving[errors.columns[errors.values != 0]] = True
        if moving.any():
            self.tiles.move(self.queries(below), errors.with_values(pulls))
        return int(moving.sum())

    def audit(self, below: Lists, hidden: Lists) -> Audit:
        """Compare what fires with a scan."""
        rows, columns = self.tiles.shape
        queries = DenseBank(as_array(self.queries(below), columns).toarray(), "hidden activations")
        sets = ActiveSets(hidden.indptr, hidden.columns, hidden.values, (len(queries), rows))
        return audit(sets, self._points, queries, self.layer.threshold)

    def queries(self, below: Lists) -> Lists:
        """Return the layer below in the dtype of the weights."""
        return below.with_values(below.values.astype(self.tiles.dtype, copy=False))


def as_array(lists: Lists, columns: int) -> sparse.csr_array:
    """Return the lists (B, columns) as a SciPy array."""
    return sparse.csr_array((lists.values, lists.columns, lists.indptr), shape=(len(lists.starts), columns))


def _hidden(found: Lists, layer: Layer, dtype: npt.DTypeLike) -> Lists:
    """Return max(z - b, 0) of the pre-activations z that are above b."""
    with np.errstate(over="ignore", under="ignore"):
        return found.with_values((found.values - layer.threshold).astype(dtype))
