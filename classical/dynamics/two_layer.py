"""What all dynamics of a two-layer network share, through whatever lists or sets they train."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt

from hybrid_train.errors import InvariantError
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.audit import Audit, audit
from hybrid_train.finder.bank import Bank, DenseBank
from hybrid_train.finder.cost import Cost
from hybrid_train.network.two_layer import Index, TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.training.dynamics import Dynamics, Evaluation


class TwoLayerDynamics(Dynamics):
    """A two-layer network and its examples, which stay where they are unless a subclass says how they move.

    A subclass keeps ``_rows``, the examples evaluated last (None for all), and says by ``index`` which way round its
    ``sets`` are.

    Args:
        network: its weights are moved.
        inputs: (n, d) the examples; copied.

    Attributes:
        index: "neurons" where ``sets`` have a query for each example, "data" where they have one for each neuron.

    Raises:
        DataError: inputs not (n, d) or not finite, or a live network was not drawn for them.
    """

    index: Index = "data"

    def __init__(self, network: TwoLayerNetwork, inputs: FloatArray) -> None:
        self.network = network
        self.examples = DenseBank(inputs, "inputs")
        self._check_known(self.examples[:])
        self.finder_seconds = 0.0
        self._cost = Cost()
        self._rows: IntArray | None = None

    @property
    def banks(self) -> Sequence[Bank]:
        return (self.network.weights,)

    @property
    def cost(self) -> Cost:
        return self._cost

    @property
    @abstractmethod
    def sets(self) -> ActiveSets:
        """The active pairs of the examples evaluated last.

        Raises:
            InvariantError: nothing has been evaluated since something moved.
        """

    def input_gradient(self, slope: FloatArray) -> FloatArray:
        raise InvariantError(f"{type(self).__name__}: the examples are held fixed")

    def move_examples(self, rows: IntArray, vectors: FloatArray) -> None:
        raise InvariantError(f"{type(self).__name__}: the examples are held fixed")

    def top_eigenvalue(self, factors: FloatArray | None = None) -> float:
        directions = counted(self.network.trained_part(self.examples[:]), factors, self._rows)
        return self.network.kernel_top_eigenvalue(self.sets, directions, self.index)

    def audit(self) -> Audit:
        weights, threshold = self.network.weights, self.network.threshold
        if self.index == "data":
            return audit(self.sets, self.examples, weights, threshold, point_rows=self._rows)
        return audit(self.sets, weights, self.examples, threshold, query_rows=self._rows)

    def _check_known(self, inputs: FloatArray) -> None:
        """Raise DataError if neurons that a live network did not draw could fire for these inputs."""
        if self.network.live is not None:
            self.network.live.check_examples(inputs)

    @contextmanager
    def _on_the_clock(self) -> Iterator[None]:
        """Count what is done here as time inside finders."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.finder_seconds += time.perf_counter() - started

    def _not_evaluated(self) -> InvariantError:
        return InvariantError(f"{type(self).__name__}: evaluate the examples first")

    def _evaluation(self, outputs: FloatArray, fired: IntArray) -> Evaluation:
        """Return what was asked for, out of the (n, K) outputs and (n,) counts of all examples."""
        rows = self._rows
        return Evaluation(outputs, fired) if rows is None else Evaluation(outputs[rows], fired[rows])

    def _everywhere(self, slope: FloatArray) -> FloatArray:
        """Return (n, K) slopes of all examples, zero for those that were not evaluated."""
        return np.ascontiguousarray(spread(slope, self._rows, len(self.examples)), dtype=np.float64)


def counted(directions: FloatArray, factors: FloatArray | None, rows: IntArray | None) -> FloatArray:
    """Return directions (n, d) times the square roots of the factors of the examples ``rows``: each counts so often."""
    if factors is None:
        return directions
    return np.asarray(directions * spread(np.sqrt(factors)[:, None], rows, len(directions)))


def spread(slope: FloatArray, rows: IntArray | None, n: int) -> FloatArray:
    """Return (n, K) slopes of all examples, zero for those that are not among ``rows``."""
    if rows is None:
        return slope
    everywhere = np.zeros((n, slope.shape[1]))
    everywhere[rows] = slope
    return everywhere


def moving(coefficients: FloatArray, indptr: IntArray) -> npt.NDArray[np.bool_]:
    """Return (R,) whether each row moves, by the coefficients of its pairs; every row has a pair."""
    if not len(coefficients):
        return np.empty(0, bool)
    return np.asarray(np.logical_or.reduceat(coefficients != 0, indptr[:-1]))
