"""Which examples are near a neuron, and how near is near enough: compiled, out of a block of products."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from classical.dynamics.rows.vectors import LANES
from hybrid_train.finder.scan_kernels import WORD, open_columns
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.kernels import inlined, kernel

_VISIT, _LOOK, _BLOCK = 3.5, 0.8, 0.45
"""Nanoseconds to evaluate a listed pair and to look at one in a scan; for each block of coordinates, there twice."""


class Scanned(NamedTuple):
    """What a scan of R rows found.

    Attributes:
        bits: (R, words(n)) uint64, the listed examples.
        gap: (R,) float64, how far the row can go before another one may fire; infinity where all are listed, or none
            fires, so that the row can never move again.
        norms: (R,) float64 bounds of the rows' norms.
        broad: (R,) bool, whether all examples are listed.
        may_fire: (R,) bool, whether any example may fire.
    """

    bits: IntArray
    gap: FloatArray
    norms: FloatArray
    broad: npt.NDArray[np.bool_]
    may_fire: npt.NDArray[np.bool_]


def scanned_for(rows: int, n: int) -> Scanned:
    """Return room for a scan of so many rows against n examples."""
    flags = np.empty(rows, np.bool_), np.empty(rows, np.bool_)
    return Scanned(np.empty((rows, -(-n // WORD)), np.uint64), np.empty(rows), np.empty(rows), *flags)


class Prices(NamedTuple):
    """What a row costs, in nanoseconds about.

    Attributes:
        skins: (S,) ascending distances within which a row may list examples.
        visit: of a listed example and step: of evaluating it, times the share of the examples that a batch asks for.
        scan: of scanning a row.
        all: of looking at all examples that are asked for, by a product; infinity if no row may: it needs no list,
            and no scan any more.
    """

    skins: FloatArray
    visit: float
    scan: float
    all: float


def prices_of(world: Any, visits: float, *, choose: bool, plain: bool) -> Prices:
    """Return the prices of training on n examples.

    Args:
        world: of all examples.
        visits: how often a step evaluates a listed pair.
        choose: whether there are skins to choose from, or one is given.
        plain: whether broad rows are looked at pair by pair like all others.
    """
    n, blocks = len(world.norms), world.columns.shape[1] / LANES
    visit, scan = visits * (_VISIT + 2 * _BLOCK * blocks), n * (_LOOK + _BLOCK * blocks)
    return Prices(world.skins, visit, scan, (n * visit if plain else visits * scan) if choose else np.inf)


@kernel
def measure(products: Any, paces: Any, world: Any, prices: Any, reach: Any, found: Any) -> None:
    """List the examples of rows whose inner products with all of them are given.

    An example x may be anywhere within ``reach`` of where it is looked at: <w + s, x + e> <= <w, x> + ||w|| reach +
    ||s|| (||x|| + reach).

    Args:
        products: (R, n) rounded by no more than the world says.
        paces: (R,) how far each row goes in a step.
        world: of all examples, ``inverse`` that of ||x|| + reach.
        prices: of visits and scans.
        reach: how far the examples may move.
        found: norms are given, the rest is written.
    """
    n = products.shape[1]
    above = np.empty(n, np.float32)
    for r in range(products.shape[0]):
        row, norm = products[r], found.norms[r]
        least = world.rule.threshold - norm * reach * (1 + 1e-12)
        for j in range(n):
            above[j] = np.float32((np.float64(row[j]) - least) * world.inverse[j])
        rounding = world.rule.rounding * norm
        bounded = norm * world.rule.largest_norm < world.rule.largest
        found.may_fire[r] = not bounded or within(above, np.float32(-1.000001 * rounding - 1e-30)) > 0
        found.broad[r] = False
        found.bits[r] = 0
        found.gap[r] = np.inf
        if not found.may_fire[r]:
            continue
        skin = cheapest(above, paces[r], prices) if bounded else np.inf
        found.broad[r] = skin == np.inf
        if skin < np.inf:
            found.gap[r] = skin * (1 - 1e-6) - rounding - 1e-30
        cut = np.float32(-skin)
        for word in range(found.bits.shape[1]):
            found.bits[r, word] = open_columns(above, WORD * word, cut)


@inlined
def within(above: Any, cut: Any) -> Any:
    """Return how many entries are not below the cut; NaN is not."""
    many = np.int32(0)
    for j in range(above.size):
        many += np.int32(not above[j] < cut)
    return many


@inlined
def cheapest(above: Any, pace: Any, prices: Any) -> Any:
    """Return the skin of least price for a row that goes ``pace`` a step; infinity for all examples and no scan."""
    best, least = prices.skins[0], np.inf
    if prices.all < np.inf:
        best, least = np.inf, prices.all
    elif prices.skins.size == 1:
        return best
    for s in range(prices.skins.size):
        skin = prices.skins[s]
        price = prices.visit * within(above, np.float32(-skin)) + prices.scan * pace / skin
        if price < least:
            best, least = skin, price
    return best
