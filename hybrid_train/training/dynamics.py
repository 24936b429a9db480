"""What the training loop asks of a network in training: evaluate, descend, be attacked. How, is its own matter."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from hybrid_train.finder.audit import Audit
from hybrid_train.finder.bank import Bank
from hybrid_train.finder.cost import Cost, SimulationCost
from hybrid_train.support.arrays import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The network on some of the examples.

    Attributes:
        outputs: (B, K) f(x) of the evaluated examples, in the order asked for.
        fired: (B,) active neurons of each of them, over all layers with a finder.
    """

    outputs: FloatArray
    fired: IntArray


class Dynamics(ABC):
    """A network, the examples it is trained on, and the finders in between.

    One training loop drives them all. It calls ``start`` once; then, for each step, ``evaluate`` the examples of the
    step and ``descend`` along the derivative of the loss in those outputs. Examples move (an adversary, fresh samples)
    by ``move_examples``, after which they have to be evaluated again. ``finish`` is called once at the end, however
    that comes.

    Attributes:
        examples: (n, d) the inputs, owned here and moved by ``move_examples`` only.
        finder_seconds: wall time inside finders since ``start``.
        remarks: what a finder that made these dynamics has to say about that, by name.
    """

    examples: Bank
    finder_seconds: float
    remarks: Mapping[str, str] = MappingProxyType({})

    @property
    @abstractmethod
    def banks(self) -> Sequence[Bank]:
        """The weights that are trained, layer by layer."""

    @property
    @abstractmethod
    def cost(self) -> Cost:
        """What the finders were charged since ``start``, building included."""

    @property
    def auto_rate(self) -> float | None:
        """The learning rate for "auto", where it does not follow from the kernel."""
        return None

    @property
    def simulation(self) -> SimulationCost:
        """What imitating a quantum computer took since ``start``; nothing, unless a finder is asked that does."""
        return SimulationCost()

    @abstractmethod
    def start(self) -> None:
        """Build the finders. Nothing was computed before."""

    @abstractmethod
    def evaluate(self, rows: IntArray | None = None) -> Evaluation:
        """Return the network on the examples ``rows`` (distinct), all by default, at the weights of now."""

    @abstractmethod
    def descend(self, slope: FloatArray, rate: float) -> int:
        """Move the weights by -rate * sum_i slope_i df(x_i)/dW, over the examples evaluated last.

        Args:
            slope: (B, K) derivative of the loss in the outputs of the last ``evaluate``.
            rate: eta, any further scaling of the gradient included.

        Returns:
            The number of neurons that moved.
        """

    @abstractmethod
    def input_gradient(self, slope: FloatArray) -> FloatArray:
        """Return (B, d) sum_k slope_ik df_k(x_i)/dx_i for the examples evaluated last, from their active neurons alone.

        Raises:
            InvariantError: these dynamics hold their examples fixed.
        """

    @abstractmethod
    def move_examples(self, rows: IntArray, vectors: FloatArray) -> None:
        """Put the examples ``rows`` at ``vectors`` (len(rows), d).

        Raises:
            InvariantError: these dynamics hold their examples fixed.
        """

    @abstractmethod
    def top_eigenvalue(self, factors: FloatArray | None = None) -> float:
        """Return the largest eigenvalue of the kernel of the examples evaluated last.

        Args:
            factors: (B,) what each example counts, positive: the kernel is sqrt(c_i c_j) <df(x_i)/dW, df(x_j)/dW>,
                which has the eigenvalues of a step on the loss sum_i c_i l_i. None counts each once.
        """

    @abstractmethod
    def audit(self) -> Audit:
        """Compare the active sets of the examples evaluated last with the truth; neither timed nor charged."""

    def facts(self) -> dict[str, Any]:
        """Return what the finders have to say of themselves by now, for the tables."""
        return {}

    def memory(self) -> dict[str, Any]:
        """Return what further steps depend on beside weights and examples, as named arrays; nothing by default."""
        return {}

    def recall(self, memory: Mapping[str, Any]) -> None:
        """Go on as the dynamics whose :meth:`memory` this is would; before ``start``.

        Raises:
            KeyError: a part is missing.
            ValueError: a part has another shape.
        """

    def finish(self) -> None:
        """Leave the network's weights where training brought them, readable without this object."""
