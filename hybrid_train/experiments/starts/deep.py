"""Deep networks: fully connected, residual and convolutional (DEEP)."""

from __future__ import annotations

from typing import final

import numpy as np

from classical.dynamics.deep.dynamics import DeepDynamics
from hybrid_train.config.deep_networks import DeepSection
from hybrid_train.config.sizes import check_deep_network
from hybrid_train.data import Distribution
from hybrid_train.errors import InvariantError
from hybrid_train.experiments.starts.start import Course, Finders, Search, Start
from hybrid_train.network.deep import DeepNetwork, calibrated, fully_connected
from hybrid_train.network.storing import Network
from hybrid_train.network.two_layer import Index
from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.rng import Role, generator
from hybrid_train.training.dynamics import Dynamics
from hybrid_train.training.following import FollowingFinder

_SAMPLE = 1024
"""Examples that shifts are fitted to where every step draws new ones."""

_LOOKED_AT = 256
"""Examples that the shares of the note are counted on."""


@final
class DeepStart(Start):
    """A deep network; shifts are fitted to the data, or to fresh ones that no step sees.

    Raises:
        ConfigError: the data have another dimension than the network reads.
        DataError: shifts cannot be fitted to the data.
        ResourceError: weights or active pairs do not fit in memory.
    """

    passes_first = 1

    def __init__(
        self,
        config: DeepSection,
        inputs: FloatArray,
        outputs: int,
        fresh: Distribution | None,
        examples: int,
        seed: int,
    ) -> None:
        config.check_inputs(inputs.shape[1])
        check_deep_network(config, examples, inputs.shape[1], outputs)
        self.config, self.inputs, self.outputs, self.fresh = config, inputs, outputs, fresh
        self.neurons, self.queries = config.neurons, config.queries
        self.notes = (start_note(self.network(seed), inputs, config.fitted_share is not None),)

    def network(self, seed: int) -> DeepNetwork:
        found = self._fitted(seed)
        return found.jointly() if self.config.joint else found

    def _fitted(self, seed: int) -> DeepNetwork:
        drawn, share = self.config.drawn(self.inputs.shape[1], self.outputs, seed), self.config.fitted_share
        if share is None:
            return drawn
        fresh = self.fresh
        sample = self.inputs if fresh is None else fresh.draw(generator(seed, Role.WEIGHTS, 1), _SAMPLE).inputs
        return calibrated(drawn, sample, share)

    def deep(self, seed: int) -> DeepNetwork:
        return self.network(seed)

    def small(self, width: int) -> DeepNetwork:
        found = fully_connected((width, width), self.inputs.shape[1], outputs=self.outputs)
        return found.jointly() if self.config.joint else found

    def searches(self, examples: int, index: Index) -> list[Search]:
        shapes = self.config.shapes(self.inputs.shape[1])
        return [Search(shape.neurons, examples * shape.positions // shape.banks, shape.reads) for shape in shapes]

    def dynamics(self, network: Network, inputs: FloatArray, finders: Finders, course: Course) -> Dynamics:
        if not isinstance(network, DeepNetwork):
            raise InvariantError("DeepStart: this network has two layers")
        first = finders(0)
        alone = not network.output_trained and isinstance(first, FollowingFinder)
        faster = first.deep_dynamics(network, inputs) if alone and isinstance(first, FollowingFinder) else None
        if faster is not None:
            return faster
        return DeepDynamics(network, inputs, lambda bank: finders(bank) if bank else first)


def start_note(network: DeepNetwork, inputs: FloatArray, fitted: bool) -> str:
    """Return a sentence on what fires in each layer at the start, and how long the hidden vectors are.

    Args:
        network: at W(0).
        inputs: (n, d); the first of them are looked at.
        fitted: whether the shifts were fitted to the data.
    """
    seen = network.forward(inputs[:_LOOKED_AT])
    shares = [
        sum(look.fired.nnz for look in looks) / hidden.size
        for looks, hidden in zip(seen.seen, seen.hidden, strict=True)
    ]
    norms = [float(np.linalg.norm(hidden, axis=1).mean()) for hidden in seen.hidden]
    how = "fitted to the data" if fitted else "not fitted to the data"
    listed = ", ".join(f"{100 * share:.3g} %" for share in shares)
    lengths = ", ".join(f"{norm:.3g}" for norm in norms)
    shifts = ", ".join(f"{layer.threshold:.3g}" for layer in network.layers)
    return (
        f"the shifts of layers 0 .. {network.depth} are {how}: {shifts}; at the start {listed} of the neurons fire, "
        f"and the layers have norms {lengths}"
    )
