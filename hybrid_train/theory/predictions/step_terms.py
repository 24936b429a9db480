"""What a step of gradient descent does to the error, term by term (PRE Claim D.2), from the active sets alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

import numpy as np
from scipy import sparse

from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.support.arrays import FloatArray


@final
@dataclass(frozen=True)
class StepTerms:
    """||err(k+1)||^2 = ||err(k)||^2 + B1 + B2 + B3 + B4 for one output, err = y - u.

    The flip set of datum i are the neurons that change sides between k and k + 1, of which alone v2 is made.

    Attributes:
        before: ||err(k)||^2.
        after: ||err(k+1)||^2.
        first: B1 = -2 eta err^T H err.
        second: B2 = 2 eta err^T H' err, H' of the neurons in the flip set of i.
        third: B3 = -2 err^T v2.
        fourth: B4 = ||u(k+1) - u(k)||^2.
        flipped: the most neurons that change sides for a datum.
        gradient: max_r ||dL/dw_r||.
        dual: ||H'||_F.
        flip_share: (n / m^2) sum_i |flip set of i|^2, which Fact D.4 bounds the square of ``dual`` by.
    """

    before: float
    after: float
    first: float
    second: float
    third: float
    fourth: float
    flipped: int
    gradient: float
    dual: float
    flip_share: float

    def scaled(self, rate: float) -> StepTerms:
        """Return the terms at a learning rate, where they were worked out at 1."""
        return replace(self, first=rate * self.first, second=rate * self.second)

    @property
    def size(self) -> float:
        """The sum of what the identity adds up, each by its magnitude: what rounding is a share of."""
        parts = (self.before, self.after, self.first, self.second, self.third, self.fourth)
        return sum(map(abs, parts))

    @property
    def gap(self) -> float:
        """How far the identity is from true."""
        return self.after - (self.before + self.first + self.second + self.third + self.fourth)


def step_terms(
    before: ActiveSets,
    after: ActiveSets,
    inputs: FloatArray,
    signs: FloatArray,
    errors: tuple[FloatArray, FloatArray],
    threshold: float,
    rate: float = 1.0,
) -> StepTerms:
    """Return the terms of a step of two layers with one output; see :meth:`StepTerms.scaled` for another rate.

    Args:
        before: active pairs at W(k), the data being the queries.
        after: likewise at W(k + 1).
        inputs: (n, d).
        signs: (m,) a, of -1 and +1.
        errors: (n,) err = y - u at W(k) and at W(k + 1).
        threshold: b.
        rate: eta.
    """
    n, width = before.shape
    fired, later = _marks(before), _marks(after)
    excess, later_excess = (sparse.csr_array(sets.to_scipy()) for sets in (before, after))
    for matrix in (excess, later_excess):
        matrix.data = matrix.data - threshold
    gone = fired - fired.multiply(later)
    new = later - later.multiply(fired)
    gram = inputs @ inputs.T
    kernel = gram * (fired @ fired.T).toarray() / width
    dual = gram * (gone @ fired.T).toarray() / width
    jumps = sparse.csr_array(new.multiply(later_excess) - gone.multiply(excess))
    moved = jumps @ signs / np.sqrt(width)
    error, next_error = errors
    change, sizes = error - next_error, gone.sum(axis=1) + new.sum(axis=1)
    pulls = fired.T.multiply(error[None, :]).tocsr() @ inputs
    return StepTerms(
        before=float(error @ error),
        after=float(next_error @ next_error),
        first=float(-2.0 * rate * error @ kernel @ error),
        second=float(2.0 * rate * error @ dual @ error),
        third=float(-2.0 * error @ moved),
        fourth=float(change @ change),
        flipped=int(sizes.max()) if n else 0,
        gradient=float(np.linalg.norm(pulls, axis=1).max() / np.sqrt(width)),
        dual=float(np.linalg.norm(dual)),
        flip_share=float(n * np.square(sizes / width).sum()),
    )


def _marks(sets: ActiveSets) -> sparse.csr_array:
    """Return (n, m) ones at the active pairs."""
    found = sparse.csr_array(sets.to_scipy())
    found.data = np.ones(found.nnz)
    return found
