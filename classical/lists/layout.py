"""What neighbour lists keep, as the compiled passes see it.

Rows are the vectors that have lists, columns the vectors of the other bank. Lengths are distances in the row's space:
a row at distance t from a column's half-space boundary has <p, q> = b - t ||q||, so one length is compared with all
columns, whatever their norms.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hybrid_train.finder.bank import Bank, Watched
from hybrid_train.finder.predicate import rounding_margin
from hybrid_train.support.arrays import FloatArray, IntArray

_DOUBLE = np.finfo(np.float64)

SETTLED, STALE, SPENT = 0, 1, 2
"""What is to do for a row: nothing; evaluate its list from the vectors; look at every column again."""


class Lists(NamedTuple):
    """Candidate lists of N rows in a pool of P entries; row r has entries start[r] to start[r] + size[r].

    Attributes:
        start: (N,) first entry.
        size: (N,) number of candidates.
        fired: (N,) how many of them are active; right for settled rows.
        drift: (N,) bound of the distance to where the row was when its columns were last scanned.
        reach: (N,) bound of the norm it had there.
        gap: (N,) then all columns outside the list were farther than this.
        error: (N,) bound of |followed - true inner product| / ||q||; 0 where the entries come from the vectors.
        todo: (N,) SETTLED, STALE or SPENT.
        column: (P,) columns, ascending in a list.
        inner: (P,) inner products.
    """

    start: IntArray
    size: IntArray
    fired: IntArray
    drift: FloatArray
    reach: FloatArray
    gap: FloatArray
    error: FloatArray
    todo: IntArray
    column: IntArray
    inner: FloatArray


class Rule(NamedTuple):
    """The numbers a certificate is made of.

    Attributes:
        threshold: b.
        sway: bound of ||q - q_ref|| / ||q_ref|| over the columns, q_ref where they were when rows were scanned.
        rounding: error of an inner product in float64, in units of ||p|| ||q||.
        speck: likewise what underflow costs, absolute.
        eps: spacing of the moving bank's numbers at 1.
        bank_speck: what underflow costs in the bank's numbers, absolute.
        ceiling: norms above this may overflow.
        accuracy: error of a reported inner product that is tolerated, in units of ||p|| ||q||.
    """

    threshold: float
    sway: float
    rounding: float
    speck: float
    eps: float
    bank_speck: float
    ceiling: float
    accuracy: float

    @classmethod
    def of(
        cls, bank: Bank | Watched, threshold: float, largest: float, *, sway: float = 0.0, accuracy: float = 0.0
    ) -> Rule:
        """Return the rule for the rows of a bank against columns of norms up to ``largest``."""
        dimension, numbers = bank.shape[1], np.finfo(bank.dtype)
        return cls(
            threshold=threshold,
            sway=sway,
            rounding=float(rounding_margin(dimension, 1.0, 1.0)),
            speck=4 * float(np.sqrt(dimension * _DOUBLE.tiny)),
            eps=float(numbers.eps),
            bank_speck=dimension * float(numbers.tiny),
            ceiling=float(_DOUBLE.max) / 8 / max(largest, 1.0),
            accuracy=accuracy,
        )


class Steps(NamedTuple):
    """Sparse combinations of columns that R distinct rows move by: row ``rows[k]`` by those from ``indptr[k]`` on.

    Attributes:
        rows: (R,).
        indptr: (R + 1,) over the pairs.
        columns: (P,) columns, ascending for a row.
        coefficients: (P,) what each is taken with.
    """

    rows: IntArray
    indptr: IntArray
    columns: IntArray
    coefficients: FloatArray


class Margins(NamedTuple):
    """What a scan of rows allows for when it measures their distances from n columns.

    Attributes:
        threshold: b.
        scale: (n,) norm bounds of the columns.
        offset: (n,) rounding of a distance, whatever the row.
        rounding: likewise in units of the row's norm.
        limit: a product of norms from which on inner products may have overflowed.
    """

    threshold: float
    scale: FloatArray
    offset: FloatArray
    rounding: float
    limit: float
