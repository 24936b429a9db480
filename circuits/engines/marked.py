"""What the simulator knows and no strategy may see: which items each search's oracle still marks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np
import numpy.typing as npt

from circuits.draws import STEP, uniform
from hybrid_train.support.arrays import IntArray
from hybrid_train.support.kernels import kernel

if TYPE_CHECKING:
    from circuits.arithmetic.oracle import ArithmeticOracle
    from circuits.arithmetic.rounding import Rounding
    from circuits.lookup import LookupOracle


class _State(NamedTuple):
    """Each search's still marked items come first in its part of ``items``.

    ``places[search, item]`` is where: one more than the offset in that part, 0 for what is not marked.
    """

    starts: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    items: npt.NDArray[np.int64]
    places: npt.NDArray[np.int32]


@final
class MarkedItems:
    """The marked items of several searches over the same m items; found ones are unmarked.

    Args:
        indptr: (S + 1,) offsets, one row of ``indices`` for each search.
        indices: (nnz,) the items marked at the start, distinct within a row.
        n_items: m.
        rounding: where the marks come from if the oracles compute them; None for tables of the marks.

    Attributes:
        n_items: m.
        counts: (S,) how many items each search's oracle still marks.
        rounding: as given.
    """

    def __init__(self, indptr: IntArray, indices: IntArray, n_items: int, rounding: Rounding | None = None) -> None:
        self.n_items = n_items
        self.rounding = rounding
        self.counts: npt.NDArray[np.int64] = np.diff(indptr).astype(np.int64)
        starts, items = np.array(indptr[:-1], np.int64), np.array(indices, np.int64)
        places = np.zeros((len(self.counts), n_items), np.int32)
        rows = np.repeat(np.arange(len(self.counts)), self.counts)
        places[rows, items] = np.arange(len(items)) - starts[rows] + 1
        self._state = _State(starts, self.counts, items, places)

    def __len__(self) -> int:
        return len(self.counts)

    def items(self, search: int) -> IntArray:
        """Return the items still marked in one search, in no particular order."""
        start = self._state.starts[search]
        return self._state.items[start : start + self.counts[search]]

    def oracle(self, search: int) -> LookupOracle | ArithmeticOracle:
        """Return one search's oracle as it is now, ready to be built into circuits."""
        if self.rounding is not None:
            return self.rounding.oracle(search, self.items(search))
        from circuits.lookup import LookupOracle

        return LookupOracle(self.items(search), self.n_items)

    def are_marked(self, searches: IntArray, items: IntArray) -> npt.NDArray[np.bool_]:
        """Return whether these items are still marked, each in its search; items past the last one are not."""
        inside = items < self.n_items
        marked = np.zeros(len(items), np.bool_)
        marked[inside] = self._state.places[searches[inside], items[inside]] > 0
        return marked

    def unmark(self, searches: IntArray, items: IntArray) -> None:
        """Unmark items, one in each of these searches (which may repeat)."""
        _unmark(self._state, searches, items)

    def draw(
        self, searches: IntArray, probabilities: npt.NDArray[np.float64], seeds: npt.NDArray[np.uint64]
    ) -> IntArray:
        """Draw one item a search: a marked one with the given probability, uniform among its kind either way.

        Args:
            searches: (B,) which searches.
            probabilities: (B,) of measuring a marked item.
            seeds: (B,) what the draws depend on, nothing else.

        Returns:
            (B,) item indices.
        """
        drawn: IntArray = _draw(self._state, searches, probabilities, seeds)
        return drawn


@kernel
def _unmark(state: Any, searches: Any, found: Any) -> None:
    for job in range(searches.size):
        search, item = searches[job], found[job]
        place = state.places[search, item]
        if place == 0:
            continue
        state.counts[search] -= 1
        start = state.starts[search]
        last = state.items[start + state.counts[search]]
        state.items[start + place - 1] = last
        state.places[search, last] = place
        state.places[search, item] = 0


@kernel
def _draw(state: Any, searches: Any, probabilities: Any, seeds: Any) -> Any:
    out = np.empty(searches.size, np.int64)
    size = state.places.shape[1]
    for job in range(searches.size):
        search = searches[job]
        count = state.counts[search]
        counter = seeds[job] + STEP
        hit = count > 0 and (count == size or uniform(counter) < probabilities[job])
        counter += STEP
        if hit:
            out[job] = state.items[state.starts[search] + int(uniform(counter) * count)]
            continue
        item = int(uniform(counter) * size)
        while state.places[search, item]:
            counter += STEP
            item = int(uniform(counter) * size)
        out[job] = item
    return out
