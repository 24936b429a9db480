"""What the simulator knows and no strategy may see: which items each search's oracle still marks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, final

import numpy as np
import numpy.typing as npt

from circuits.draws import STEP, uniform
from circuits.register import Register
from hybrid_train.support.arrays import IntArray
from hybrid_train.support.kernels import kernel

if TYPE_CHECKING:
    from circuits.oracle import Oracle


class _State(NamedTuple):
    """Each search's still marked items come first in its part of ``items``.

    ``names`` holds the items marked at the start, ascending within a part; ``places[at]`` says where ``names[at]`` is
    now: one more than the offset in that part of ``items``, 0 for what is not marked any more.
    """

    starts: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    items: npt.NDArray[np.int64]
    names: npt.NDArray[np.int64]
    places: npt.NDArray[np.int64]


class Oracles(Protocol):
    """Oracles that are more than tables of what they mark."""

    def oracle(self, search: int, left: IntArray) -> Oracle:
        """Return one search's oracle once only ``left`` of its items are still to be marked."""


@final
class MarkedItems:
    """The marked items of several searches over the same m items; found ones are unmarked.

    Args:
        indptr: (S + 1,) offsets, one row of ``indices`` for each search.
        indices: (nnz,) the items marked at the start, distinct within a row.
        items: m, or the register that the items lie on.
        oracles: what is built into circuits; None for tables of the marks.

    Attributes:
        register: that the items lie on.
        n_items: m.
        counts: (S,) how many items each search's oracle still marks.
        oracles: as given.
        unmarked: (search, item) in the order unmarked.
    """

    def __init__(
        self, indptr: IntArray, indices: IntArray, items: int | Register, oracles: Oracles | None = None
    ) -> None:
        self.register = Register.of(items)
        self.n_items = self.register.n_items
        self.oracles = oracles
        self.unmarked: list[tuple[int, int]] = []
        self.counts: npt.NDArray[np.int64] = np.diff(indptr).astype(np.int64)
        offsets, marked = np.array(indptr, np.int64), np.array(indices, np.int64)
        rows = np.repeat(np.arange(len(self.counts)), self.counts)
        order = np.lexsort((marked, rows))
        self._state = _State(offsets, self.counts, marked, marked[order], order - offsets[rows] + 1)

    def __len__(self) -> int:
        return len(self.counts)

    def items(self, search: int) -> IntArray:
        """Return the items still marked in one search, in no particular order."""
        start = self._state.starts[search]
        return self._state.items[start : start + self.counts[search]]

    def oracle(self, search: int) -> Oracle:
        """Return one search's oracle as it is now, ready to be built into circuits."""
        if self.oracles is not None:
            return self.oracles.oracle(search, self.items(search))
        from circuits.lookup import LookupOracle

        return LookupOracle(self.items(search), self.register)

    def are_marked(self, searches: IntArray, items: IntArray) -> npt.NDArray[np.bool_]:
        """Return whether these items are still marked, each in its search; items past the last one are not."""
        marked: npt.NDArray[np.bool_] = _are_marked(self._state, searches, items)
        return marked

    def unmark(self, searches: IntArray, items: IntArray) -> None:
        """Unmark items, one in each of these searches (which may repeat)."""
        for search, item in _unmark(self._state, searches, items).tolist():
            self.unmarked.append((search, item))

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
        drawn: IntArray = _draw(self._state, self.n_items, searches, probabilities, seeds)
        return drawn


@kernel
def _find(state: Any, search: Any, item: Any) -> Any:
    """Return where ``names`` has an item of a search; -1 if it was not marked at the start."""
    low, high = state.starts[search], state.starts[search + 1]
    end = high
    while low < high:
        middle = (low + high) // 2
        if state.names[middle] < item:
            low = middle + 1
        else:
            high = middle
    return low if low < end and state.names[low] == item else -1


@kernel
def _is_marked(state: Any, search: Any, item: Any) -> Any:
    at = _find(state, search, item)
    return at >= 0 and state.places[at] > 0


@kernel
def _are_marked(state: Any, searches: Any, items: Any) -> Any:
    out = np.empty(searches.size, np.bool_)
    for job in range(searches.size):
        out[job] = _is_marked(state, searches[job], items[job])
    return out


@kernel
def _unmark(state: Any, searches: Any, found: Any) -> Any:
    """Unmark what is marked; return (search, item) of each."""
    gone, count = np.empty((searches.size, 2), np.int64), 0
    for job in range(searches.size):
        search = searches[job]
        at = _find(state, search, found[job])
        if at < 0 or state.places[at] == 0:
            continue
        state.counts[search] -= 1
        start = state.starts[search]
        last = state.items[start + state.counts[search]]
        state.items[start + state.places[at] - 1] = last
        state.places[_find(state, search, last)] = state.places[at]
        state.places[at] = 0
        gone[count, 0], gone[count, 1] = search, found[job]
        count += 1
    return gone[:count]


@kernel
def _draw(state: Any, size: Any, searches: Any, probabilities: Any, seeds: Any) -> Any:
    out = np.empty(searches.size, np.int64)
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
        while _is_marked(state, search, item):
            counter += STEP
            item = int(uniform(counter) * size)
        out[job] = item
    return out
