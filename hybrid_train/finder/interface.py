"""The main idea: a finder watches two banks of vectors and says which points lie in each query's open half-space.

Every algorithm here asks the same question again and again while vectors drift: *which points p of a bank P satisfy
<p, q> > b for a query q of a bank Q?* Indexing the neurons is P = weights, Q = data; indexing the data is P = data,
Q = weights. Dense scan, half-space-reporting tree and Grover search all answer it behind this one interface.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from hybrid_train.errors import ConfigError
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import Bank, Motion
from hybrid_train.finder.cost import Cost, SimulationCost
from hybrid_train.finder.proof import Proof
from hybrid_train.support.declared import Kind, an, checked, flag, optional, real, whole


@checked(exact=flag(), delta=real(least=0, below=1))
@dataclass(frozen=True)
class Promise:
    """What a finder guarantees about its sets.

    Attributes:
        exact: every answer is right, always (or but for ``delta``).
        delta: the probability that any answer of a whole run misses a point; 0 for certainty.
    """

    exact: bool
    delta: float = 0.0

    def __str__(self) -> str:
        if not self.exact:
            return "approximate"
        return f"exact with probability 1 - {self.delta:g}" if self.delta else "exact"


EXACT = Promise(exact=True)
APPROXIMATE = Promise(exact=False)


_TAKEN: dict[str, dict[str, Kind]] = {
    "plan": {"seed": optional(an(np.random.SeedSequence)), "total_queries": optional(whole(1))},
    "check_resources": {"n_points": whole(0), "n_queries": whole(0), "dimension": whole(1)},
}
"""What methods that finders override may be given, checked for each of them; those that are called at every step
check for themselves."""


class ActiveSetFinder(ABC):
    """Finds the active points of queries while both banks move.

    Rules for an implementation

    * Membership is decided by ``hybrid_train.finder.predicate`` alone: strict >, one arithmetic.
    * It sees its points, queries, threshold and its own generator, and nothing else. Missing a point is an outcome
      that an auditor counts, not an exception.
    * ``build`` starts ``cost`` afresh; every other call adds to it.
    * Options are keyword-only arguments of ``__init__``, annotated: the config is checked against them.
    * ``build`` refuses bad banks and thresholds, and everything else a use before ``build``: derive from
      ``hybrid_train.WatchingFinder``, which does both and keeps the banks (live ones by reference, arrays by copy).

    Attributes:
        cost: what the algorithm is charged, since ``build``.
        simulation: what imitating a quantum computer took, since ``build``; zero for classical finders.
    """

    cost: Cost
    simulation: SimulationCost

    source = ""
    """The publication the method comes from, for ``hybrid-train finders``."""

    most_dimensions: ClassVar[int | None] = None
    """Vectors of more dimensions are refused; None where any are served."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name, kinds in _TAKEN.items():
            if inspect.isfunction(own := cls.__dict__.get(name)):
                known = kinds.keys() & inspect.signature(own).parameters.keys()
                setattr(cls, name, checked(**{key: kinds[key] for key in known})(own))

    def __init__(self) -> None:
        self.cost = Cost()
        self.simulation = SimulationCost()

    @property
    @abstractmethod
    def promise(self) -> Promise:
        """What this finder guarantees."""

    @abstractmethod
    def build(self, points: Bank | npt.ArrayLike, queries: Bank | npt.ArrayLike, threshold: float) -> None:
        """Start over with these banks.

        Args:
            points: (N, d) what is searched: an array, or a Bank whose moves will be announced.
            queries: (Q, d) whose half-spaces are asked about.
            threshold: b, in units of the inner product: a finite number.

        Raises:
            DataError: empty, not finite, or of different dimensions; or the threshold is not a finite number.
        """

    @abstractmethod
    def find(self, rows: npt.ArrayLike | None = None) -> ActiveSets:
        """Return the active points of the given queries, all by default.

        Args:
            rows: distinct query indices.

        Returns:
            One row for each asked query, in the order asked. An answer for the whole bank may be stored by point
            instead, if that is what the finder has.
        """

    @abstractmethod
    def move_points(self, rows: npt.ArrayLike, points: npt.ArrayLike) -> None:
        """Take note that these points are now there; ``points`` is (len(rows), d)."""

    @abstractmethod
    def move_queries(self, rows: npt.ArrayLike, queries: npt.ArrayLike) -> None:
        """Take note that these queries are now there; ``queries`` is (len(rows), d)."""

    def move_points_along(self, motion: Motion) -> None:
        """Take note that points moved by a sparse combination of the current queries.

        Override this to follow the motion through the Gram matrix of the queries: then ``motion.coefficients`` is
        all there is to read, and no d-dimensional vector is touched.
        """
        self.move_points(motion.rows, motion.vectors)

    def move_queries_along(self, motion: Motion) -> None:
        """Take note that queries moved by a sparse combination of the current points (see ``move_points_along``)."""
        self.move_queries(motion.rows, motion.vectors)

    @checked(**_TAKEN["plan"])
    def plan(self, *, seed: np.random.SeedSequence | None = None, total_queries: int | None = None) -> None:
        """Hear about the coming run, before ``build``. Most finders need not know.

        Args:
            seed: key of the finder's own generator.
            total_queries: how many queries the run will ask in all, at most; one that may miss splits its failure
                probability over them.
        """

    def ignore_clock(self) -> None:
        """Hear, before ``build``, that this run has to come out the same each time: no choice may follow the clock."""

    def facts(self) -> dict[str, Any]:
        """Return what this finder has to say of itself by now, for the tables: plain numbers and sentences by name."""
        return {}

    def prepare_proofs(self) -> None:
        """Hear, before ``build``, that :meth:`proof` will be asked for after ``build`` and after every answer.

        Raises:
            ConfigError: this finder cannot say why its answers are complete; those that can override this.
        """
        why = "it has none" if self.promise.exact else f"its answers are {self.promise}"
        raise ConfigError(f"{type(self).__name__}: no proofs: {why}; take scan, hsr, skin or grover")

    def proof(self, sets: ActiveSets) -> Proof:
        """Return why the last answer is complete.

        Args:
            sets: that answer, stored by query with a row for each that was asked; after ``build``, one about none.

        Raises:
            ConfigError: as ``prepare_proofs``.
        """
        raise ConfigError(f"{type(self).__name__}: no proofs; call prepare_proofs first")

    def check_dimension(self, dimension: int) -> None:
        """Raise ConfigError if vectors of so many dimensions cannot be served."""
        most = self.most_dimensions
        if most is not None and dimension > most:
            raise ConfigError(
                f"{type(self).__name__}: vectors of {dimension} dimensions: it serves at most {most}; take scan or hsr"
            )

    @checked(**_TAKEN["check_resources"])
    def check_resources(self, n_points: int, n_queries: int, dimension: int) -> None:
        """Raise ResourceError, before anything is computed, if banks of this size cannot be served here."""
