"""How fast finders would be on given banks, estimated on a sample of them."""

from __future__ import annotations

import time
from math import log

import numpy as np

from classical.auto.race import Pace
from hybrid_train.finder.bank import Watched
from hybrid_train.finder.cost import Cost
from hybrid_train.finder.interface import ActiveSetFinder
from hybrid_train.finder.registry import make_finder
from hybrid_train.support.arrays import FloatArray

_POINTS = 1 << 14
_PAIRS = 1 << 20
"""Most points, and (query, point) pairs, of a sample: it takes some tens of milliseconds."""

_ROUNDS = 3
"""Each answers so many times, in turns; the first time does not count, and the best of the others does."""

_SMALLER = 4
"""The growth of a tree's time is read off a sample so many times smaller."""

_LISTS = 0.2
"""Share of a scan that following lists may take; nothing can be measured before the banks have moved."""


def calibrate(points: Watched, queries: Watched, threshold: float, kinds: set[str]) -> tuple[dict[str, Pace], Cost]:
    """Estimate the pace of finders.

    Scan and tree answer a sample of the queries over a sample of the points. The scan grows as the number of points,
    the tree as it was seen to grow from a smaller sample. The lists can only be guessed at, by ``guess``.

    Args:
        points: (N, d).
        queries: (Q, d).
        threshold: b.
        kinds: of the finders wanted, scan among them.

    Returns:
        The paces, and what the sample's answers are charged.
    """
    sizes = [min(len(points), _POINTS)]
    asked = _sample(queries, _PAIRS // sizes[0])
    if sizes[0] < len(points):
        sizes.insert(0, sizes[0] // _SMALLER)
    samples = [_sample(points, size) for size in sizes]
    measured = sorted(kinds - {"skin"})
    finders = [[_built(kind, sample, asked, threshold) for sample in samples] for kind in measured]
    seconds = np.full((_ROUNDS, len(measured), len(samples)), np.inf)
    for turn in range(_ROUNDS):
        for at, sized in enumerate(finders):
            for size, (finder, _) in enumerate(sized):
                started = time.perf_counter()
                finder.find()
                seconds[turn, at, size] = time.perf_counter() - started
    paces, growth = {}, len(points) / sizes[-1]
    for kind, sized, best in zip(measured, finders, seconds[1:].min(axis=0), strict=True):
        exponent = 1.0
        if kind == "hsr" and len(sizes) > 1:
            exponent = min(1.0, max(0.3, log(best[1] / best[0]) / log(_SMALLER)))
        paces[kind] = Pace(best[-1] * growth**exponent / len(asked), sized[-1][1] * growth)
    if "skin" in kinds:
        scan = paces["scan"].per_query
        paces["skin"] = Pace(_LISTS * scan, scan * len(queries), guess=_LISTS * scan)
    return paces, sum((finder.cost for sized in finders for finder, _ in sized), Cost())


def _sample(bank: Watched, size: int) -> FloatArray:
    return bank[np.linspace(0, len(bank) - 1, min(size, len(bank))).astype(np.int64)]


def _built(kind: str, points: FloatArray, queries: FloatArray, threshold: float) -> tuple[ActiveSetFinder, float]:
    """Return a finder built on these arrays, and how many seconds that took, compilation apart."""
    seconds = np.inf
    for _ in range(2):
        finder = make_finder(kind)
        started = time.perf_counter()
        finder.build(points, queries, threshold)
        seconds = min(seconds, time.perf_counter() - started)
    return finder, seconds
