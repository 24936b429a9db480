"""What Gram dynamics keeps, as the compiled passes see it.

The weights are W(t) = W(0) + Gamma X, and a row moves by a fixed combination of *pulls* while its firing examples
stay the same: with S(t) the sum of all pulls so far, gamma_e(t) = gamma_e(t0) + a_r . (S_e(t) - S_e(t0)). So nothing
has to be done for a row until one of its inner products could cross b, or a column outside its list could: it sleeps in
a queue, and wakes when a clock that bounds its path says so. While many rows wake at every step they doze instead: each
has an alarm, and one pass compares all alarms with the clocks.

Lengths are distances in the rows' space: <w, x_j> = b - t ||x_j|| at distance t from the boundary of column j.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hybrid_train.support.arrays import FloatArray, IntArray

BUCKETS = 64
"""Buckets of a queue: one for each place of the highest bit in which a tick can differ from the present one."""

COMPANY = 2
"""Firing entries up to which a row dozes by the clocks of its columns; one with more dozes by the last clock."""

STALE, SPENT = 1, 2
"""What a woken row may need: its list evaluated from the vectors; every column looked at again."""

ROW = np.dtype(
    [
        ("row", np.uint32),
        ("start", np.int32),
        ("since", np.int32),
        ("drift", np.float32),
        ("gap", np.float32),
        ("size", np.uint16),
        ("whole", np.bool_),
    ],
    align=True,
)
"""A row that fires, or once fired; one record, since a row that wakes is read alone.

row: in the bank. start, size: its entries in the pool. since: the step to which their inner products and coefficients
belong. drift: bound of the distance to where the row was when all columns were last looked at. gap: then all columns
outside the list were farther than this. whole: it sleeps in the last queue, by its first firing entry, or dozes by its
clock.
"""

ENTRY = np.dtype(
    [
        ("inner", np.float64),
        ("gamma", np.float64),
        ("key", np.int64),
        ("following", np.int32),
        ("previous", np.int32),
        ("owner", np.int32),
        ("column", np.uint16),
    ],
    align=True,
)
"""A candidate of a row.

inner: the inner product. gamma: the row moved by sum gamma x_column. owner: the row. column: ascending in a list. key:
the tick at which the entry wakes its row; -1 for one that is in no queue. following: the next entry of the same bucket,
-1 at the end. previous: the one before; -2 - (64 queue + bucket) for the first.
"""


class Lists(NamedTuple):
    """The candidate lists of N rows in a pool of P entries, and the queues they sleep in.

    Attributes:
        rows: (N,) of type ROW, by ascending row.
        entries: (P,) of type ENTRY.
        folded: (N,) uint64 the columns a row fires for: bit j mod 64 for column j.
        heads: (n + 1, 64) int32 first entry of each bucket of each queue, -1 if there is none.
        alarms: (N,) a row that dozes is due once the clocks of its company together are not below this.
        company: (N, 2) uint16 the clocks it dozes by: those of its columns, clock n, or n + 1; n + 2 stands for a clock
            that never moves.
    """

    rows: npt.NDArray[Any]
    entries: npt.NDArray[Any]
    folded: IntArray
    heads: IntArray
    alarms: FloatArray
    company: IntArray


class World(NamedTuple):
    """What all rows share.

    Clock j < n is the path of gamma_j x_j, for any row that fires for column j; clock n bounds the path of any
    combination of them, and clock n + 1 the path of any one. A row sleeps by its firing entries, each in the queue of
    its column with a share of what the row can go, or by clock n alone.

    Attributes:
        threshold: b.
        base: what an output counts of an inner product is what exceeds this: b, or 0 if the activation jumps.
        now: the step, counting pulls.
        gram: (n, n) inner products of the directions, the trained part of the columns.
        norms: (n,) bounds of their norms; 0 for columns that are zero.
        inverse: (n,) 1 / norms; 0 for columns that are zero.
        grain: part of its length by which a path along other columns is taken to approach a boundary at least.
        pulls: (L, n, K) S(t) for the last L steps, S(t) at t mod L.
        signs: (m, K) output weights.
        clocks: (n + 2,) paths so far.
        pace: (n + 2,) what the last steps added to them, on average.
        ticks: (n + 1,) clocks in units, rounded down.
        unit: distance of one tick.
        reach: bound of the rows' norms in W(0).
        rounding: error of an inner product in float64, in units of ||w|| ||x||.
        speck: what underflow costs, absolute.
        steps: bound of the steps since a row was last evaluated.
        accuracy: error of an inner product that is tolerated, in units of ``reach`` ||x||.
        direct: outputs are summed from the rows that move, not moved by the kernel.
        awake: no row sleeps: all doze, or in direct mode every row is visited at every step.
    """

    threshold: float
    base: float
    now: int
    gram: FloatArray
    norms: FloatArray
    inverse: FloatArray
    grain: float
    pulls: FloatArray
    signs: npt.NDArray[Any]
    clocks: FloatArray
    pace: FloatArray
    ticks: IntArray
    unit: float
    reach: float
    rounding: float
    speck: float
    steps: int
    accuracy: float
    direct: bool
    awake: bool


class Totals(NamedTuple):
    """Sums over rows, of which passes add what changed.

    Attributes:
        outputs: (n, K) sum_r a_r (<w_r, x> - base) over the rows that fire.
        fired: (n + 1,) rows that fire for each column, and for any.
        overlaps: (n K, n K) sum_r a_rk a_rl over the rows that fire for both columns; (0, 0) in direct mode.
    """

    outputs: FloatArray
    fired: IntArray
    overlaps: FloatArray
