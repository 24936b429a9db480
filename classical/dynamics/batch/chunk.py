"""A chunk of neurons in batch dynamics: everything is looked at in the first pass, then what is listed."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple, final

import numpy as np
import numpy.typing as npt

from classical.dynamics.batch import along, bits
from classical.dynamics.batch import kernels as compiled
from classical.dynamics.batch.scan import Prices, Scanned, measure, scanned_for
from classical.dynamics.layout import Sums
from classical.dynamics.rows.layout import World
from hybrid_train.finder.predicate import norm_bounds
from hybrid_train.support.arrays import FloatArray, IntArray, distinct

_BLOCK_PAIRS = 1 << 18
"""Inner products in one block of a scan: they stay in the second-level cache."""

_BATCH_PAIRS = 1 << 16
"""Likewise of a batch's products, which are read more than once."""

_LEAST_ROWS = 32
"""Rows of a block at least: fewer make a product slow."""

_CHUNKS, _CHUNK = 4, 2048
"""Chunks of half a bank, and the least rows of one; their sums are added in order: no result depends on threads."""

_MOST = 0.25
"""Share of the examples from which on the products of broad rows are made with all of them."""

_TIRING = 16
"""Steps after which one looks for rows that list everything and may have come to rest."""

_PATIENCE = 4
"""Passes through the data after which a row that lists everything is scanned again: it may have come to rest."""


class Lists(NamedTuple):
    """The R rows of a chunk that are looked at.

    Attributes:
        rows: (R,) int64, in the bank, ascending.
        anchors: (R, d) where they were scanned last; where they began, before.
        gap: (R,) as far from there the lists hold; (0,) while everything is listed.
        norms: (R,) bounds of the anchors' norms.
        way: (R,) bounds of how far the rows are from there.
        broad: (R,) rows that list all examples, and are looked at by products.
    """

    rows: IntArray
    anchors: FloatArray
    gap: FloatArray
    norms: FloatArray
    way: FloatArray
    broad: npt.NDArray[np.bool_]


class Visit(NamedTuple):
    """What a step did to a chunk: rows moved, and rows scanned again."""

    moved: int
    scanned: int


@final
class Chunk:
    """Consecutive rows of a bank.

    Args:
        weights: (m, d) the whole bank, which the chunk's rows are moved in.
        first: a row.
        last: a later one.
        plain: whether to calculate as the deciding inner product and a bank do, number by number.
        reach: how far the examples may go from where the lists see them.

    Attributes:
        first: likewise.
        lists: of the rows that are looked at.
    """

    def __init__(self, weights: FloatArray, first: int, last: int, plain: bool, reach: float = 0.0) -> None:
        self._weights, self._plain, self._reach = weights, plain, reach
        self.first, self._all = first, np.arange(first, last)
        vectors = weights[first:last].copy()
        self.lists = Lists(
            self._all, vectors, np.empty(0), norm_bounds(vectors), np.zeros(len(vectors)), np.ones(len(vectors), bool)
        )
        self._broad_slots = np.arange(last - first)
        self._known: IntArray = np.empty((0, 0), np.uint64)
        self._near: IntArray | None = None
        self._fires: IntArray = np.empty((len(self._all), 0), np.uint64)
        self._since = np.zeros(len(self._all), np.int64)
        self._age = 0
        self._fired = np.empty(0, bool)
        self._room = np.empty(0, weights.dtype)

    @property
    def listed(self) -> bool:
        """Whether there are lists, of all examples."""
        return not self._filling and (len(self.lists.gap) > 0 or not len(self.lists.rows))

    @property
    def _filling(self) -> bool:
        """Whether there are lists of the examples that have been looked at."""
        return len(self._fired) > 0

    @property
    def candidates(self) -> int:
        """Pairs in the lists."""
        return int(bits.count(self._known))

    @property
    def everything(self) -> int:
        """Rows that list all examples."""
        return int(self.lists.broad.sum()) if self.listed else 0

    def look(self, examples: IntArray, asked: IntArray, world: World, new: bool = True) -> tuple[Sums, int]:
        """Return the sums over a batch, and how many pairs were evaluated.

        Args:
            examples: (B,) of the batch.
            asked: (words(B),) with B bits.
            world: of the batch.
            new: whether one of the examples was not looked at before, since :meth:`fill_lists`.
        """
        count = len(examples)
        sums = Sums(np.zeros((count, world.signs.shape[1])), np.zeros(count, np.int64))
        self._fires = _cleared(self._fires, (len(self.lists.rows), bits.words(count)))
        listed = self.listed or (self._filling and not new)
        near = self._by_example() if listed else np.empty((count, 0), np.uint64)
        if self._plain:
            arguments = examples, world, self._weights, sums, self._fires
            return sums, int(compiled.look_plainly(self.lists, near, *arguments))
        evaluated = 0
        if listed:
            evaluated = int(compiled.look(self.lists, near, examples, world, self._weights, sums, self._fires))
        slots = self._broad_slots if listed else np.arange(len(self.lists.rows))
        fill = examples if self._filling and new else None
        evaluated += self._look_everywhere(slots, asked, world, sums, fill)
        if self._filling:
            self._fired |= self._fires.any(axis=1)
        return sums, evaluated

    def look_along(self, asked: IntArray, world: World) -> tuple[Sums, int]:
        """Return what :meth:`look` does, ``world`` being that of all examples, for those with a bit in ``asked``."""
        n, lists = len(world.norms), self.lists
        sums = Sums(np.zeros((n, world.signs.shape[1])), np.zeros(n, np.int64))
        self._fires = _cleared(self._fires, self._known.shape)
        arguments = self._known, asked, world, self._weights, sums, self._fires
        if self._plain:
            return sums, int(along.look_along_plainly(lists, *arguments))
        products = int(bits.count(asked[None])) > _MOST * n
        slots = np.flatnonzero(~lists.broad) if products else np.arange(len(lists.rows))
        evaluated = int(along.look_along(lists, slots, *arguments))
        return sums, evaluated + (self._look_everywhere(self._broad_slots, asked, world, sums) if products else 0)

    def pull(self, world: World, slope: FloatArray) -> FloatArray:
        """Return (n, D) sum_r (sum_k slope_jk a_rk) w_r over the active pairs, at least d coordinates each."""
        gradient = np.zeros(world.columns.shape, world.columns.dtype)
        along.pull(self.lists.rows, self._fires, world.signs, slope, self._weights, gradient)
        return gradient

    def _look_everywhere(
        self, slots: IntArray, asked: IntArray, world: World, sums: Sums, fill: IntArray | None = None
    ) -> int:
        """Add up what fires among all pairs of some rows, found by products of blocks.

        Args:
            slots: the rows.
            asked: (words(B),) which examples count.
            world: of the examples.
            sums: of them; added to.
            fill: (B,) the examples, if they are to be listed, for all rows.

        Returns:
            How many pairs these are.
        """
        lists, count, dtype = self.lists, len(world.norms), world.columns.dtype
        columns = world.columns[:, : self._weights.shape[1]].T
        block = max(1, _BATCH_PAIRS // count // bits.WORD) * bits.WORD
        room = self._scratch(min(block, len(slots)), bits.WORD * len(asked), dtype)
        for at in range(0, len(slots), block):
            some = slots[at : at + block]
            first, last = lists.rows[some[0]], lists.rows[some[-1]] + 1
            vectors = self._weights[first:last] if last - first == len(some) else self._weights[lists.rows[some]]
            products = room[: len(some)]
            with np.errstate(over="ignore", under="ignore", invalid="ignore"):
                np.matmul(vectors.astype(dtype, copy=False), columns, out=products[:, :count])
            compiled.sift(lists, some, products, world, self._weights, asked, sums, self._fires)
            if fill is not None:
                listed = np.empty((len(some), len(asked)), np.uint64)
                compiled.list_near(lists, some, products, world, listed)
                bits.put_examples(self._by_example(), at, fill, listed)
        return len(slots) * int(bits.count(asked[None]))

    def _scratch(self, rows: int, columns: int, dtype: Any) -> FloatArray:
        """Return a table that holds anything, the same memory every time: fresh pages cost more than the products."""
        if self._room.dtype != dtype or self._room.size < rows * columns:
            self._room = np.zeros(rows * columns, dtype)
        return self._room[: rows * columns].reshape(rows, columns)

    def step(self, world: World, slope: FloatArray, rate: float, whole: World, prices: Prices) -> Visit:
        """Move the rows that fire by the slope (B, K) of the batch; scan those again whose lists do not hold any more.

        Args:
            world: of the batch.
            slope: (B, K) derivative of the loss in the outputs.
            rate: eta times the network's scale.
            whole: world of all examples.
            prices: of scans.
        """
        self._age += 1
        spent = np.empty(len(self.lists.rows), np.int64)
        arguments = self.lists, world, slope, rate, self._weights, self._plain, self._fires, spent
        moved, waiting = compiled.step(*arguments)
        again: IntArray = spent[: compiled.still_spent(self.lists, world.rule, self._weights, spent[:waiting])]
        if self.listed and self._age % _TIRING == 0 and prices.all < np.inf:
            tired = self.lists.broad & (self._age - self._since > _PATIENCE * prices.scan / prices.all)
            again = distinct(np.concatenate([again, np.flatnonzero(tired)]))
        if self._filling:  # these are looked at as a whole until all examples were seen
            self.lists.broad[again], self.lists.gap[again] = True, np.inf
            self._broad_slots = np.flatnonzero(self.lists.broad)
            return Visit(int(moved), 0)
        if len(again):
            self._scan_again(again, whole, prices)
        return Visit(int(moved), len(again))

    def fill_lists(self, n: int, gap: float) -> None:
        """List examples as they are looked at from now on, for rows that go no further than a gap."""
        count = len(self._all)
        self._near = np.zeros((bits.WORD * bits.words(n), bits.words(count)), np.uint64)
        self._fired, everything = np.zeros(count, bool), np.zeros(count, bool)
        self.lists = self.lists._replace(gap=np.full(count, gap), broad=everything)
        self._broad_slots = np.flatnonzero(everything)

    def end_lists(self, whole: World, prices: Prices) -> int:
        """Forget the rows that fire for no example, now that all were looked at; evaluate after that.

        A row that fired for none never moved, so it was the same for all of them. Rows that have gone further than
        their lists allow are scanned.

        Args:
            whole: world of all examples.
            prices: of scans.

        Returns:
            Rows scanned.
        """
        near, alive, lists = self._by_example(), self._fired, self.lists
        turned = np.empty((bits.WORD * near.shape[1], bits.words(len(near))), np.uint64)
        bits.by_example(near, turned)
        self._known, self._near = turned[: len(alive)][alive], None
        sides: Any = (side[alive] for side in lists)
        self.lists = Lists(*sides)
        self._since, self._fired = self._since[alive], np.empty(0, bool)
        self._fires = np.empty((len(self.lists.rows), 0), np.uint64)
        many = np.bitwise_count(self._known).sum(axis=1) * prices.visit > prices.all
        far = np.flatnonzero(self.lists.broad | many)
        self._scan_again(far, whole, prices)
        return len(far)

    def make_lists(self, whole: World, prices: Prices) -> None:
        """List the examples of the rows that can ever fire, and forget the others, once; evaluate after that."""
        found = self._scan(np.arange(len(self._all)), whole, prices)
        alive = found.may_fire
        rows = self._all[alive]
        self.lists = Lists(
            rows, self._weights[rows], found.gap[alive], found.norms[alive], np.zeros(len(rows)), found.broad[alive]
        )
        self._broad_slots = np.flatnonzero(self.lists.broad)
        self._known, self._near = found.bits[alive], None
        self._fires = np.empty((len(rows), 0), np.uint64)
        self._since, self._age = np.zeros(len(rows), np.int64), 0
        self._fired = np.empty(0, bool)

    def _by_example(self) -> IntArray:
        """Return the lists turned round: (64 words(n), words(R)), kept from when they are asked for first."""
        if self._near is None:
            self._near = np.empty((bits.WORD * self._known.shape[1], bits.words(len(self._known))), np.uint64)
            bits.by_example(self._known, self._near)
        return self._near

    def _scan_again(self, slots: IntArray, whole: World, prices: Prices) -> None:
        found = self._scan(slots, whole, prices)
        lists = self.lists
        if self._near is None:
            self._known[slots] = found.bits
        else:
            bits.replace(self._known, self._near, slots, found.bits)
        lists.anchors[slots] = self._weights[lists.rows[slots]]
        lists.gap[slots], lists.norms[slots], lists.way[slots] = found.gap, found.norms, 0.0
        lists.broad[slots] = found.broad
        self._broad_slots = np.flatnonzero(lists.broad)
        self._since[slots] = self._age

    def _scan(self, slots: IntArray, whole: World, prices: Prices) -> Scanned:
        """Look at all examples for some rows."""
        n, dimension = len(whole.norms), self._weights.shape[1]
        found = scanned_for(len(slots), n)
        sides: tuple[Any, ...] = found
        columns = whole.columns[:, :dimension].T
        block = max(_LEAST_ROWS, _BLOCK_PAIRS // n)
        room = np.empty((min(block, len(slots)), n), whole.columns.dtype)
        for at in range(0, len(slots), block):
            some = slots[at : at + block]
            vectors = self._weights[self.lists.rows[some]]
            with np.errstate(over="ignore", under="ignore", invalid="ignore"):
                products = np.matmul(vectors.astype(whole.columns.dtype, copy=False), columns, out=room[: len(some)])
                away = norm_bounds(vectors.astype(np.float64) - self.lists.anchors[some])
            part = Scanned(*(cut[at : at + len(some)] for cut in sides))
            part.norms[:] = norm_bounds(vectors)
            measure(products, away / np.maximum(1, self._age - self._since[some]), whole, prices, self._reach, part)
        return found

    def active(self) -> tuple[IntArray, IntArray, IntArray]:
        """Return (rows of the bank with active pairs, how many each has, their places in the batch)."""
        slots, counts, places = bits.pairs(self._fires)
        return self.lists.rows[slots], counts, places


def chunks_of(weights: FloatArray, plain: bool, reach: float = 0.0) -> list[Chunk]:
    """Return the chunks of a bank, each within one of its halves; see :class:`Chunk` for the arguments.

    Plain arithmetic has to add in one order: the halves of the bank, each in the order of the neurons.
    """
    width = len(weights)
    parts = 1 if plain else max(1, min(_CHUNKS, width // 2 // _CHUNK))
    cuts = [width // 2 * k // parts for k in range(parts)]
    cuts += [width // 2 + (width - width // 2) * k // parts for k in range(parts + 1)]
    return [Chunk(weights, first, last, plain, reach) for first, last in pairwise(cuts) if last > first]


def _cleared(bits: IntArray, shape: tuple[int, ...]) -> IntArray:
    """Return zeros of a shape, in the same memory if it fits."""
    if bits.shape != shape:
        return np.zeros(shape, np.uint64)
    bits[...] = 0
    return bits
