"""All rows of a bank that rest: laid down in the first scan, woken by the last clock."""

from __future__ import annotations

from itertools import pairwise
from typing import final

import numpy as np

from classical.dynamics.gram.chunks import Choice, Chunk, Woken, chunk_bounds
from classical.dynamics.gram.firing_sets import FiringSets
from classical.dynamics.gram.layout import Totals, World
from classical.dynamics.gram.probe import Probe
from classical.dynamics.gram.resting import AWAKE, LAST, Limits, Resting, Sums
from classical.dynamics.gram.steps import settle
from classical.dynamics.gram.world import no_totals
from hybrid_train.finder.bank import Bank
from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.parallel import in_threads, one_blas_thread

_AHEAD = 1.25
"""How much farther than it has to be a rest that is not over yet must reach at least."""


@final
class Tier:
    """The rows that rest.

    Args:
        bank: read only.
        probe: the columns.
        limits: of the rests.
        rest: whether any row may rest.

    Attributes:
        horizon: all rests last while clock n + 1 is below this.
        sets: counts the columns that the rows that rest fire for.
    """

    def __init__(self, bank: Bank, probe: Probe, limits: Limits, *, rest: bool) -> None:
        self._bank, self._probe, self._limits, self._rest = bank, probe, limits, rest
        self._columns = probe.columns.astype(np.float64, copy=False)
        self.horizon = float(limits.edges[1]) if rest else np.inf
        self.sets = FiringSets(len(probe.columns))

    def scan(self, world: World) -> tuple[list[Chunk], Totals, list[FloatArray]]:
        """Look at all rows, lay those to rest that can, and list the others that fire.

        Returns:
            (the chunks, the sums over the rows that rest but for outputs, (n, K) their outputs chunk by chunk).
        """
        bounds, total, n = chunk_bounds(len(self._bank)), no_totals(world), len(world.norms)

        def scan(first: int, last: int) -> tuple[list[Chunk], list[FloatArray], Sums]:
            sums, chunks, outputs = Sums(no_totals(world), FiringSets(n)), [], []
            for begin, end in pairwise(bounds[first : last + 1]):
                outputs.append(np.zeros_like(total.outputs))
                resting, choice = None, None
                if self._rest:
                    resting = Resting(begin, end, self._limits)
                    mine = sums._replace(totals=sums.totals._replace(outputs=outputs[-1]))
                    choice = self._laying(resting, world, AWAKE, mine)
                chunks.append(Chunk(self._bank, begin, end, self._probe, n + 1, resting, choice))
            return chunks, outputs, sums

        with one_blas_thread():
            done = in_threads(scan, len(bounds) - 1, 1)
        for _, _, sums in done:
            self.sets.join(sums.sets)
            np.add(total.fired, sums.totals.fired, out=total.fired)
            np.add(total.overlaps, sums.totals.overlaps, out=total.overlaps)
        return (
            [chunk for chunks, _, _ in done for chunk in chunks],
            total,
            [part for _, outputs, _ in done for part in outputs],
        )

    def wake(self, path: float, chunks: list[Chunk], world: World) -> int:
        """Before clock n + 1 goes so far, wake the rows whose rest ends by then, or soon after; return how many.

        Some of them may rest again: pulls in opposite directions have not moved them as far as they might have.
        """
        edges = self._limits.edges
        level = min(LAST, int(np.searchsorted(edges[1:], path * _AHEAD, "right")))
        self.horizon = float(edges[level + 1]) if level < LAST else np.inf

        def wake(first: int, last: int) -> list[Woken]:
            nothing, done = no_totals(world), []
            for chunk in chunks[first:last]:
                if chunk.resting is None:
                    continue
                choice = self._laying(chunk.resting, world, level)
                woken = chunk.wake(world, level, self._bank, self._probe, choice)
                if woken is not None:
                    settle(chunk.lists, world, nothing, woken.slots)
                    done.append(woken)
                if level == LAST:
                    chunk.resting = None
            return done

        with one_blas_thread():
            found = [woken for part in in_threads(wake, len(chunks), 1) for woken in part]
        for woken in found:
            self.sets.add(woken.sets, -1)
        return sum(woken.looked for woken in found)

    def _laying(self, resting: Resting, world: World, level: int, sums: Sums | None = None) -> Choice:
        """Return what lays rows to rest beyond a level."""
        return lambda rows, vectors: resting.lay(rows, vectors, self._columns, world, level, sums)
