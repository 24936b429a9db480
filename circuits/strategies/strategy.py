"""A strategy as its users see it: what it promises, what it needs, and how its searches start."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from circuits.draws import KeyArray
from circuits.law import LEAST_SHARE
from circuits.strategies.decisions import code_of
from circuits.strategies.posterior import TILT
from circuits.strategies.state import FIRST_SHARE, SEARCH
from hybrid_train.errors import ConfigError
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


@dataclass(frozen=True)
class Estimate:
    """An estimate of the number of marked items.

    Attributes:
        value: the most likely number.
        low: least number that the measurements do not speak against, with 95 % confidence at least.
        high: the largest.
    """

    value: int
    low: int
    high: int


class Strategy(ABC):
    """Decides which run comes next, from the outcomes of the earlier ones alone.

    A strategy is this class with its compiled ``decide``, in a file of its own, and a line in
    :data:`circuits.strategies.STRATEGIES`. Keyword-only arguments of ``__init__`` are its options.

    Attributes:
        promise: what it guarantees, in words.
        source: the publication it is from.
        needs_count: whether it must be told how many items are marked: a reference, not an algorithm for unknown k.
        unmarks: whether found items are unmarked at once, or only before a certificate.
        monitors: whether its runs may measure an ancilla in their midst, which not every machine can.
        remembers: whether it wants to start from the items the same query had last time.
        compared: whether it is compared by default: ``count`` and ``crossover`` leave out what only makes a point.
        first_share: of delta, for the first certificate of a search.
        tilt: of the flat law, see :data:`circuits.strategies.posterior.TILT`.
        prior: where it takes its expectation from: "flat", "sparsity" or "previous".
        prediction_error: how far :meth:`expected_iterations` may be from the mean: this share of it and one iteration;
            0 if it is the mean, None if it is a leading term alone.
    """

    promise: ClassVar[str]
    source: ClassVar[str]
    needs_count: ClassVar[bool] = False
    unmarks: ClassVar[bool] = True
    monitors: ClassVar[bool] = False
    remembers: ClassVar[bool] = False
    compared: ClassVar[bool] = False
    first_share: ClassVar[float] = FIRST_SHARE
    tilt: ClassVar[float] = TILT
    prior: str = "flat"
    prediction_error: ClassVar[float | None] = None

    @staticmethod
    @abstractmethod
    def decide(search: Any, outcome: Any) -> Any:
        """Return the next request: the class says ``decide = staticmethod(decide)`` of the kernel beside it."""

    @abstractmethod
    def expected_iterations(self, n_items: int, n_marked: int, delta: float, *, known: int = 0) -> float:
        """Return the Grover iterations that theory expects of one search, its certificates included.

        Args:
            n_items: m.
            n_marked: k, what is to be found, 0 to m - ``known``.
            delta: what the search may miss with.
            known: items excluded beforehand.
        """

    def estimates(self, searches: Searches) -> list[Estimate | None]:
        """Return what each search has estimated of the number of marked items, None if it does not."""
        return [None] * len(searches)

    def call_correction(self, width: float, marked: float) -> float:
        """Return g in calls = (c_0 + c_1 g) sqrt(m k) + c_2 sqrt(m), by which calls are extrapolated in the width.

        sqrt(k / m) is what whole numbers of iterations ask for: it vanishes with the share of marked items.

        Args:
            width: m.
            marked: k, a mean.
        """
        return float(np.sqrt(marked / width))

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

        Raises:
            ConfigError: a delta that no certificate can keep, or no probability.
        """
        shares = np.asarray(deltas, np.float64)
        if not np.all((shares >= LEAST_SHARE) & (shares < 1.0)):
            worst = shares.min() if shares.size else shares
            raise ConfigError(
                f"delta={worst}: a search can be asked to miss with {LEAST_SHARE:g} at least, which is what phases "
                "kept in double precision can hold, and less than 1"
            )
        searches = np.zeros(len(keys), SEARCH)
        searches["strategy"], searches["items"], searches["key"] = code_of(self.decide), n_items, keys
        searches["delta"], searches["known"], searches["unmarks"] = shares, known, self.unmarks
        searches["told"] = n_marked if self.needs_count and n_marked is not None else -1
        searches["flat"], searches["tilt"], searches["first"] = 1.0, self.tilt, self.first_share
        if expectation is not None:
            given = np.isfinite(expectation.mean)
            searches["flat"] = np.where(given, FLAT_SHARE, 1.0)
            most = n_items - searches["known"]  # no more can be left, however many there were last time
            searches["centre"] = np.where(given, np.minimum(expectation.mean, most), 0.0)
            searches["spread"] = np.where(given, np.maximum(expectation.deviation, 0.5), 1.0)
        self.prepare(searches)
        return searches

    def prepare(self, searches: Searches) -> None:
        """Write the options into new searches."""
