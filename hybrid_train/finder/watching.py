"""Finders that keep both banks and the threshold: what is common to building them."""

from __future__ import annotations

import numpy.typing as npt

from hybrid_train.errors import ConfigError
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import Bank, Watched, checked_threshold, watch_both
from hybrid_train.finder.interface import ActiveSetFinder
from hybrid_train.finder.proof import Proof, every_pair_looked_at


class WatchingFinder(ActiveSetFinder):
    """A finder whose ``build`` begins with :meth:`_watch`; whatever reads the banks before that gets a clear error.

    Finders of other distributions may derive from it too: they then refuse what ours refuse, in the same words.
    Whoever reads something else that ``build`` makes before a bank calls :meth:`_check_built` first.
    """

    _watched: tuple[Watched, Watched, float] | None = None

    def _watch(self, points: Bank | npt.ArrayLike, queries: Bank | npt.ArrayLike, threshold: float) -> None:
        """Keep the banks (live ones by reference, arrays by copy) and the threshold.

        Args:
            points: (N, d) what is searched.
            queries: (Q, d) whose half-spaces are asked about.
            threshold: b.

        Raises:
            DataError: a bank is empty, not finite or not two-dimensional, their dimensions differ, or the threshold
                is not a finite number.
            ConfigError: more dimensions than this finder serves.
        """
        bound = checked_threshold(threshold)
        watched = watch_both(points, queries)
        self.check_dimension(watched[0].shape[1])
        self._watched = (*watched, bound)

    def proof(self, sets: ActiveSets) -> Proof:
        """Return the proof of a finder that looks at every pair; one that need not overrides this."""
        return every_pair_looked_at(self._points, self._queries, sets)

    def _check_built(self) -> None:
        """Raise ConfigError if ``build`` was not called yet."""
        self._kept()

    def _kept(self) -> tuple[Watched, Watched, float]:
        if self._watched is None:
            raise ConfigError(f"{type(self).__name__}: used before build; call build(points, queries, threshold) first")
        return self._watched

    @property
    def _points(self) -> Watched:
        return self._kept()[0]

    @property
    def _queries(self) -> Watched:
        return self._kept()[1]

    @property
    def _threshold(self) -> float:
        return self._kept()[2]
