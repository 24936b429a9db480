"""Networks at W(0): one start object for each kind, which answers everything that depends on the kind."""

from __future__ import annotations

from hybrid_train.config import Config
from hybrid_train.config.deep_networks import DeepSection
from hybrid_train.data import Distribution
from hybrid_train.experiments.starts.deep import DeepStart
from hybrid_train.experiments.starts.lifted import LiftedStart
from hybrid_train.experiments.starts.start import Course, Finders, Search, Start
from hybrid_train.experiments.starts.two_layer import TwoLayerStart
from hybrid_train.support.arrays import FloatArray

__all__ = ["Course", "DeepStart", "Finders", "LiftedStart", "Search", "Start", "TwoLayerStart", "make_start"]


def make_start(config: Config, inputs: FloatArray, outputs: int, fresh: Distribution | None, examples: int) -> Start:
    """Return the start of a config's network: the one place that asks which kind it is.

    Args:
        config: valid.
        inputs: (n, d) of the data.
        outputs: K.
        fresh: where every step draws its examples from; None if it takes them from the data.
        examples: that a run keeps.

    Raises:
        ConfigError: the data have another dimension than the network reads.
        DataError: the network cannot be fitted to the data.
        ResourceError: weights or active pairs do not fit in memory.
    """
    network = config.network
    if isinstance(network, DeepSection):
        return DeepStart(network, inputs, outputs, seed=config.run.seed, fresh=fresh, examples=examples)
    return (LiftedStart if network.activation == "jump" else TwoLayerStart)(network, inputs, outputs)
