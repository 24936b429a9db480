"""The active pairs of a network that somebody else trains, look by look, without a scan of all pairs at each."""

from __future__ import annotations

from typing import final

import numpy as np

from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import Bank, DenseBank
from hybrid_train.finder.interface import ActiveSetFinder
from hybrid_train.finder.recreated import RecreatedBank
from hybrid_train.finder.registry import make_finder
from hybrid_train.finder.scan import active_pairs
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray


@final
class Followed:
    """Looks at a network: its weights are read once a look, and certified lists say who could fire by now.

    The lists are those of a ``skin`` of its own, told of every neuron that moved since the last look; they agree with
    a scan pair for pair. Of weights that are made again from the seed no copy is kept: those that have moved since the
    first look are evaluated anew, all others fire as they did then.

    Args:
        network: in training.
        inputs: (n, d) the data.

    Attributes:
        weights: as they were at the last look, to be read only.
    """

    def __init__(self, network: TwoLayerNetwork, inputs: FloatArray) -> None:
        self._network, self._inputs = network, inputs
        self._finder: ActiveSetFinder | None = None
        self._first: ActiveSets | None = None
        self.weights: Bank = network.weights

    def look(self) -> ActiveSets:
        """Return the active pairs of now, stored by datum."""
        network = self._network
        if isinstance(network.weights, RecreatedBank):
            return self._recreated(network.weights).by_query()
        now = np.array(network.weights[:])
        if self._finder is None or now.dtype != self.weights.dtype:
            self.weights = DenseBank(now, "weights", copy=False)
            self._finder = make_finder("skin")
            self._finder.build(self.weights, self._inputs, network.threshold)
        else:
            moved = np.flatnonzero((now != self.weights[:]).any(axis=1))
            if len(moved):
                vectors = now[moved]
                self.weights.assign(moved, vectors)
                self._finder.move_points(moved, vectors)
        return self._finder.find().by_query()

    def _recreated(self, weights: RecreatedBank) -> ActiveSets:
        """Return the active pairs of now, stored by neuron."""
        threshold = self._network.threshold
        if self._first is None:
            self._first = active_pairs(weights, self._inputs, threshold).by_point()
            return self._first
        found = active_pairs(self._inputs, weights, threshold, weights.moved_rows())
        shape = self._first.shape
        now = ActiveSets(found.indptr, found.indices, found.inner_products, shape, found.rows, "point")
        return self._first.replaced(now)
