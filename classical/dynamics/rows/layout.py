"""What the compiled parts of row dynamics are told, and what they keep of a chunk of neurons."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from classical.dynamics.rows.vectors import LANES, padded
from hybrid_train.finder.predicate import norm_bounds
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray, IntArray, aligned_copy, fixed
from hybrid_train.support.kernels import inlined

LISTED, BROAD = range(2)
"""Rows that keep a list of columns, and rows that look at every column in every step."""

FIRES = np.float32(-np.inf)
"""The alarm of a column that fires: due in every step."""

ALWAYS = np.float32(-1)
"""The alarm of a column about which nothing is certain: due whenever its row moves."""

_MODERATE = 1e15
"""Single precision is enough for examples whose norms lie between this and its reciprocal."""


class Rule(NamedTuple):
    """How inner products are read; numbers alone, which kernels hand on without counting references.

    Attributes:
        threshold: b; a pair is active above it.
        shift: what an active pair's inner product is lowered by in the output.
        rounding: error of an inner product of two vectors of norm 1.
        speck: error of an inner product of vectors that vanish.
        largest: norms' product from which on nothing is known of an inner product.
        largest_norm: the largest norm of a column.
    """

    threshold: float
    shift: float
    rounding: float
    speck: float
    largest: float
    largest_norm: float


class World(NamedTuple):
    """The examples, here called columns, and how the network reads them; fixed for a run.

    Attributes:
        rule: see :class:`Rule`.
        columns: (n, D) float32 or float64: the examples, padded to whole blocks.
        along: (n, D) likewise: what neurons move along.
        exact: (n, d) the examples as they are, never to be written to.
        norms: (n,) bounds of their norms.
        inverse: (n,) bounds from below of 1 / norms.
        signs: (m, K) output weights.
        skins: ascending distances within which a row may list columns.
        step: first guess of how far a row goes in a step.
        entry: price of a listed column in a step, and
        scan: price of scanning a row, in the same unit.
        broad: share of the columns from which on a row looks at them all.
    """

    rule: Rule
    columns: FloatArray
    along: FloatArray
    exact: FloatArray
    norms: FloatArray
    inverse: FloatArray
    signs: npt.NDArray[Any]
    skins: FloatArray
    step: float
    entry: float
    scan: float
    broad: float


class Lists(NamedTuple):
    """The R rows of a chunk that fired when it was scanned first; no other row can ever move.

    The distance of a column j from a row w is (b - <w, x_j>) / ||x_j||, as in :mod:`classical.lists.kernels`. Alarms
    and gaps are lengths of the row's path since it was scanned last.

    Attributes:
        rows: (R,) int64, in the bank.
        kind: (R,) uint8, LISTED or BROAD.
        begin: (R,) int64, where a row's entries begin.
        size: (R,) int64, how many there are.
        room: (R,) int64, for how many there is room.
        fired: (R,) int64, columns that fire.
        path: (R,) float64 bound of how far the row went.
        gap: (R,) float64: until then no column outside the list can fire.
        norms: (R,) float64 bound of the row's norm when it was scanned.
        age: (R,) int64 steps since then.
        columns: (P,) int32, ascending for a row.
        alarms: (P,) float32: until then the column cannot fire; FIRES if it does.
    """

    rows: IntArray
    kind: npt.NDArray[np.uint8]
    begin: IntArray
    size: IntArray
    room: IntArray
    fired: IntArray
    path: FloatArray
    gap: FloatArray
    norms: FloatArray
    age: IntArray
    columns: npt.NDArray[np.int32]
    alarms: npt.NDArray[np.float32]


class Room(NamedTuple):
    """Scratch for a row: as many places as there are columns, and eight more.

    Attributes:
        entries: (n + 8,) int64.
        places: (n + 8,) int32.
        numbers: (n + 8,) of the columns' type.
        mine: (D,) the row itself, padded.
        step: (D,) its step.
        moved: (d,) float64 how the stored numbers changed.
    """

    entries: IntArray
    places: npt.NDArray[np.int32]
    numbers: FloatArray
    mine: FloatArray
    step: FloatArray
    moved: FloatArray


def make_world(network: TwoLayerNetwork, examples: FloatArray, skins: FloatArray) -> World:
    """Return what the compiled parts need to know.

    Args:
        network: of stored weights.
        examples: (n, d) finite.
        skins: ascending distances within which a row may list columns.
    """
    norms = norm_bounds(examples)
    n, d = examples.shape
    moderate = float(norms.max()) < _MODERATE and float(norms.min()) > 1 / _MODERATE
    single = moderate and network.weights.dtype == np.float32
    dtype: np.dtype[Any] = np.dtype(np.float32) if single else np.dtype(np.float64)
    info, spacing = np.finfo(dtype), float(np.finfo(np.float64).eps)
    columns = aligned(examples, dtype)
    along = columns if not network.untrained else aligned(network.trained_part(examples), dtype)
    with np.errstate(divide="ignore", over="ignore"):
        inverse = 1 / norms * (1 - 4 * spacing)
    blocks = padded(d) / LANES * dtype.itemsize / 4
    return World(
        rule=Rule(
            threshold=float(network.threshold),
            shift=float(network.threshold) if network.activation == "relu" else 0.0,
            rounding=2.0 * (d + 8) * float(info.eps),
            speck=d * float(info.tiny),
            largest=float(info.max) / 4,
            largest_norm=float(norms.max()),
        ),
        columns=columns,
        along=along,
        exact=fixed(examples),
        norms=norms,
        inverse=inverse,
        signs=np.ascontiguousarray(network.output_weights),
        skins=skins,
        step=float(skins[0]) / 4,
        entry=2.0,
        scan=n * (4.0 + blocks),
        broad=0.3,
    )


def restricted(world: World, columns: IntArray) -> World:
    """Return the world of some columns (B,) alone, side by side."""
    return with_vectors(world, columns)._replace(
        exact=fixed(world.exact[columns]),
        norms=world.norms[columns],
        inverse=world.inverse[columns],
    )


def with_vectors(world: World, columns: IntArray) -> World:
    """Return a world in which the vectors of some columns (B,) lie side by side; the rest is that of all."""
    near = aligned_copy(world.columns[columns])
    return world._replace(
        columns=near, along=near if world.along is world.columns else aligned_copy(world.along[columns])
    )


def aligned(vectors: FloatArray, dtype: np.dtype[Any]) -> FloatArray:
    """Return vectors (n, d) as (n, D) of this type, padded by zeros, each row at the beginning of a cache line."""
    n, d = vectors.shape
    rows = np.zeros((n, padded(d)), dtype)
    rows[:, :d] = vectors
    return aligned_copy(rows)


@inlined
def room_for(world: Any, dimension: Any) -> Any:
    """Return scratch for the rows of a chunk."""
    n, size = world.columns.shape
    kind = world.columns.dtype
    return Room(
        np.empty(n + 8, np.int64),
        np.empty(n + 8, np.int32),
        np.empty(n + 8, kind),
        np.zeros(size, kind),
        np.zeros(size, kind),
        np.empty(dimension, np.float64),
    )


@inlined
def margin_of(rule: Any, norm: Any, column_norm: Any) -> Any:
    """Return how far the inner product of a row and a column of these norms may lie from the deciding one."""
    largest = norm * column_norm
    margin = rule.rounding * largest + rule.speck * (1 + norm + column_norm)
    return margin if largest < rule.largest else np.inf


@inlined
def distance_of(rule: Any, value: Any, margin: Any, inverse: Any) -> Any:
    """Return a bound from below of the distance of a column; minus infinity if it fires for certain.

    Where the bound is not above 0 (NaN is not) nothing is certain: the deciding inner product has to be looked at.

    Args:
        rule: how inner products are read.
        value: the inner product.
        margin: of it, see :func:`margin_of`.
        inverse: bound from below of 1 / norm of the column.
    """
    if value > rule.threshold + margin:
        return -np.inf
    distance = (rule.threshold - value - margin) * inverse
    return distance if distance > 0 else 0.0


@inlined
def alarm_at(path: Any, distance: Any) -> Any:
    """Return the alarm of a column at this distance, rounded down."""
    if not distance > 0:
        return ALWAYS
    alarm = path + distance
    return np.float32(min(alarm, 1e30) * (1 - 2.5e-7))
