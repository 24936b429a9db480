"""Networks of adversarial training: an activation that jumps, and inputs in the normal form of ADV, with a bias."""

from __future__ import annotations

from typing import final

from hybrid_train.config.schema import NetworkConfig
from hybrid_train.data.padding import adversarial_form
from hybrid_train.errors import InvariantError
from hybrid_train.experiments.starts.two_layer import TwoLayerStart
from hybrid_train.network.adversarial import adversarial_network, adversarial_threshold, pre_activation_spread
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray


@final
class LiftedStart(TwoLayerStart):
    """Two layers of z 1[z > tau] over (x, 1) with x_d = 1/2 and ||x|| = 1 (ADV Definition 3.1)."""

    lifted = True
    kept = 2
    """x_d and the one of the bias."""

    def two_layer(self, seed: int) -> TwoLayerNetwork:
        return adversarial_network(
            self.config.width,
            self.inputs.shape[1] - 1,
            tau=self.threshold,
            outputs=self.outputs,
            seed=seed,
            dtype=self.config.dtype,
            examples=self.examples,
        )

    @property
    def spread(self) -> float:
        return pre_activation_spread(self.config.width, 0.0)

    def small(self, width: int) -> TwoLayerNetwork:
        return adversarial_network(width, self.inputs.shape[1] - 1, tau=0.0, outputs=self.outputs)

    def normal_form(self, inputs: FloatArray) -> FloatArray:
        """Return (sqrt(3)/2 x, 1/2, 1) for each row x."""
        return adversarial_form(inputs)

    def _thresholds(self) -> tuple[float, float]:
        config = self.config
        if not isinstance(config, NetworkConfig):
            raise InvariantError("LiftedStart: a network of two layers is wanted")
        tau = adversarial_threshold(config.width, tau=config.tau, k=config.k, fraction=config.fraction)
        return tau, tau / pre_activation_spread(config.width)
