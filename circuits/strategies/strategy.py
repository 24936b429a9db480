"""A strategy as its users see it: what it promises, what it needs, and how its searches start."""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from circuits.draws import KeyArray
from circuits.strategies.state import SEARCH
from hybrid_train.support.arrays import FloatArray

Searches = np.ndarray[Any, Any]
"""(S,) records of :data:`circuits.strategies.state.SEARCH`."""

FLAT_SHARE = 0.25
"""What an expectation leaves to the flat law: it may be wrong."""


@dataclass(frozen=True, eq=False)
class Expectation:
    """What a searcher may know about the number of marked items before it searches; it bounds nothing.

    Attributes:
        mean: (S,) expected number, each search's own; not-a-number where nothing is known.
        deviation: (S,) its standard deviation.
    """

    mean: FloatArray
    deviation: FloatArray


class Strategy(ABC):
    """Decides which run comes next, from the outcomes of the earlier ones alone.

    The decision itself is the compiled ``decide`` beside each class. Keyword-only arguments of ``__init__`` are the
    strategy's options.

    Attributes:
        code: of :mod:`circuits.strategies.state`, by which the decision is found.
        promise: what it guarantees, in words.
        source: the publication it is from.
        needs_count: whether it must be told how many items are marked: a reference, not an algorithm for unknown k.
        unmarks: whether found items are unmarked at once, or only before a certificate.
        remembers: whether it wants to start from the items the same query had last time.
        prior: where it takes its expectation from: "flat", "sparsity" or "previous".
    """

    code: ClassVar[int]
    promise: ClassVar[str]
    source: ClassVar[str]
    needs_count: ClassVar[bool] = False
    unmarks: ClassVar[bool] = True
    remembers: ClassVar[bool] = False
    prior: str = "flat"

    def start(
        self,
        n_items: int,
        deltas: npt.ArrayLike,
        keys: KeyArray,
        *,
        n_marked: npt.ArrayLike | None = None,
        known: npt.ArrayLike = 0,
        expectation: Expectation | None = None,
    ) -> Searches:
        """Return searches that have not begun.

        Args:
            n_items: m.
            deltas: (S,) each in (0, 1), the probability that a search may miss something.
            keys: (S,) of their random streams.
            n_marked: (S,) items the oracles mark; only for strategies that need it.
            known: (S,) items excluded from the oracles before the search, found last time and verified.
            expectation: of the number of marked items; a flat law without one.
        """
        searches = np.zeros(len(keys), SEARCH)
        searches["strategy"], searches["items"], searches["key"] = self.code, n_items, keys
        searches["delta"], searches["known"], searches["unmarks"] = deltas, known, self.unmarks
        searches["told"] = n_marked if self.needs_count and n_marked is not None else -1
        searches["flat"] = 1.0
        if expectation is not None:
            given = np.isfinite(expectation.mean)
            searches["flat"] = np.where(given, FLAT_SHARE, 1.0)
            searches["centre"] = np.where(given, expectation.mean, 0.0)
            searches["spread"] = np.where(given, np.maximum(expectation.deviation, 0.5), 1.0)
        self.prepare(searches)
        return searches

    def prepare(self, searches: Searches) -> None:
        """Write the options into new searches."""
