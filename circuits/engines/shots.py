"""Shots of simulated circuits kept for later: runs of the same circuit need not simulate it again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import final

from circuits.engines.engine import Run
from circuits.engines.marked import MarkedItems
from circuits.engines.pieces import Piece
from circuits.register import Register

_OWN_SHOTS = 4
_SHARED_SHOTS = 256
_LARGEST_SHARE = 1024


@final
@dataclass(eq=False)
class Pool:
    """Independent shots of one circuit, each to be handed out once.

    Attributes:
        size: how many to draw at a time.
        shared: whether all searches over as many items draw from it.
        shots: measured indices not handed out yet.
    """

    size: int
    shared: bool = False
    shots: list[int] = field(default_factory=list)


@final
@dataclass(eq=False)
class SearchState:
    """What is known of one search's circuits until its next hit.

    Attributes:
        n_marked: items its oracle marks.
        oracle: the gates, once built.
        pools: shots by run.
    """

    n_marked: int
    oracle: list[Piece] | None = None
    pools: dict[Run, Pool] = field(default_factory=dict)


@final
class ShotPools:
    """The pools of the searches under way, and those of circuits that all searches have in common.

    A circuit without iterations has no oracle, and one whose oracle marks nothing has an empty one: both are the
    same for every search over as many items.
    """

    def __init__(self) -> None:
        self._shared: dict[tuple[Register, Run], Pool] = {}
        self._marked: MarkedItems | None = None
        self._states: dict[int, SearchState] = {}

    def of(self, marked: MarkedItems, search: int, run: Run) -> Pool:
        """Return the pool of the circuit that this search runs now."""
        if run.iterations and marked.counts[search]:
            return self.state(marked, search).pools.setdefault(run, Pool(_OWN_SHOTS))
        if len(self._shared) > _LARGEST_SHARE:
            self._shared.clear()
        return self._shared.setdefault((marked.register, run), Pool(_SHARED_SHOTS, shared=True))

    def state(self, marked: MarkedItems, search: int) -> SearchState:
        """Return what is known of the search; what was known before its last hit is forgotten."""
        if self._marked is not marked:
            self._marked, self._states = marked, {}
        n_marked = int(marked.counts[search])
        known = self._states.get(search)
        if known is None or known.n_marked != n_marked:
            known = self._states[search] = SearchState(n_marked)
        return known
