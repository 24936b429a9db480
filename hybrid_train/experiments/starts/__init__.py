"""Networks at W(0): one start object for each kind, which answers everything that depends on the kind."""

from __future__ import annotations

from hybrid_train.config import Config
from hybrid_train.data import Distribution
from hybrid_train.experiments.starts.start import Course, Finders, Search, Start
from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.registry import load_class

__all__ = ["STARTS", "Course", "Finders", "Search", "Start", "make_start"]

STARTS = {
    "two_layer": "hybrid_train.experiments.starts.two_layer:TwoLayerStart",
    "tangent_kernel": "hybrid_train.experiments.starts.linearised:TangentKernelStart",
    "random_features": "hybrid_train.experiments.starts.linearised:RandomFeaturesStart",
    "lifted": "hybrid_train.experiments.starts.lifted:LiftedStart",
    "deep": "hybrid_train.experiments.starts.deep:DeepStart",
}
"""The starts, by what a ``[network]`` table starts as: name -> "module:Class"."""


def make_start(config: Config, inputs: FloatArray, outputs: int, fresh: Distribution | None, examples: int) -> Start:
    """Return the start of a config's network.

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
    start: Start = load_class(network.starts_as, STARTS, "network.starts_as")(
        network, inputs, outputs, fresh, examples, config.run.seed
    )
    return start
