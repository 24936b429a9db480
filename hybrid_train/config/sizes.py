"""Will it fit? Asked before anything is computed."""

from __future__ import annotations

from hybrid_train.config.deep_networks import DeepSection
from hybrid_train.support.memory import check_memory, in_words

_BYTES_PER_PAIR = 80
"""Peak of an active pair: two index arrays and the value, in both storage orders while one becomes the other."""


def check_inputs(n: int, dimension: int) -> None:
    """Raise ResourceError if n inputs of this dimension, and one working copy of them, do not fit."""
    check_memory(2.0 * 8 * n * dimension, f"data.n={n} inputs of dimension {dimension}", "take a smaller data.n")


def check_network(width: int, dimension: int, outputs: int, expected_pairs: float) -> None:
    """Raise ResourceError if dense weights and the active pairs do not fit.

    Args:
        width: m.
        dimension: d.
        outputs: K.
        expected_pairs: active (datum, neuron) pairs expected at the start.
    """
    # The weights, the draw they come from, and a finder's own arrangement of them.
    weights = 8.0 * width * (3 * dimension + outputs)
    pairs = _BYTES_PER_PAIR * expected_pairs
    check_memory(
        weights + pairs,
        f"network.width={width}, dimension {dimension}: weights, a finder's copies ({in_words(weights)}) and "
        f"{expected_pairs:.3g} active pairs ({in_words(pairs)})",
        "take a smaller network.width" + (" or a higher network.threshold" if pairs > weights else ""),
    )


def check_deep_network(config: DeepSection, n: int, dimension: int, outputs: int) -> None:
    """Raise ResourceError if the weights of a deep network, what its layers are asked and the active pairs do not fit.

    Args:
        config: the ``[network]`` table.
        n: examples.
        dimension: d.
        outputs: K.
    """
    shapes = config.shapes(dimension)
    # As in a network of two layers; and of the queries of each layer, three working copies.
    weights = (4.0 if config.dtype == "float32" else 8.0) * sum(
        3 * shape.banks * shape.neurons * shape.reads for shape in shapes
    )
    queries = 8.0 * 4 * n * sum(shape.positions * shape.reads for shape in shapes)
    pairs = _BYTES_PER_PAIR * n * config.neurons * (config.share or 0.5)
    # Where shifts are fitted, all pre-activations of a layer are sorted.
    dense = 8.0 * 4 * n * max(shape.positions * shape.neurons for shape in shapes) if config.calibrate else 0.0
    check_memory(
        weights + queries + pairs + dense + 8.0 * outputs * shapes[-1].neurons,
        f"network.kind={config.kind!r}, {n} examples of dimension {dimension}: weights and a finder's copies "
        f"({in_words(weights)}), what the layers are asked ({in_words(queries)}), active pairs ({in_words(pairs)})"
        + (f", pre-activations for network.calibrate ({in_words(dense)})" if dense else ""),
        "take narrower layers or fewer data",
    )
