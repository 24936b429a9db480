"""Networks of every kind, and how a checkpoint holds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hybrid_train.finder.seeded import SeededBank
from hybrid_train.network.deep import DeepNetwork
from hybrid_train.network.two_layer import TwoLayerNetwork

Network = TwoLayerNetwork | DeepNetwork

_TRAINED, _INPUT = "weights_", "input_weights_"


def stored(network: Network) -> dict[str, Any]:
    """Return a network as plain arrays by name, for an NPZ file."""
    if isinstance(network, TwoLayerNetwork):
        if isinstance(network.weights, SeededBank):
            rows, weights = network.weights.moved()
            arrays = {"moved_rows": rows, "moved_weights": weights}
            return arrays | {"output_weights": network.output_weights, "threshold": network.threshold}
        return {
            "weights": network.weights[:],
            "output_weights": network.output_weights,
            "threshold": network.threshold,
        }
    named = {f"{_TRAINED}{number}": matrix for number, matrix in enumerate(network.weights())}
    named |= {f"{_INPUT}{number}": matrix for number, matrix in enumerate(network.layers[0].weights())}
    thresholds = np.array([layer.threshold for layer in network.layers])
    return {**named, "output_weights": network.output_weights, "thresholds": thresholds}


def restored(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arrays of :func:`stored` with what belongs together in a list.

    Returns:
        ``weights`` (m, d), ``output_weights`` (m, K), ``threshold`` of a two-layer network (where W(0) comes from the
        seed, ``moved_rows`` (k,) and ``moved_weights`` (k, d) in place of ``weights``); of a deep one ``weights``,
        a list as :meth:`.DeepNetwork.at` takes it, ``input_weights``, the list of those of layer 0,
        ``output_weights`` (K, m_L) and ``thresholds`` (L + 1,).

    Raises:
        KeyError: an array is missing.
    """
    if "thresholds" not in arrays:
        names = ("moved_rows", "moved_weights") if "moved_rows" in arrays else ("weights",)
        found = {name: arrays[name] for name in (*names, "output_weights")}
        return found | {"threshold": float(arrays["threshold"])}
    return {
        "weights": _numbered(arrays, _TRAINED),
        "input_weights": _numbered(arrays, _INPUT),
        "output_weights": arrays["output_weights"],
        "thresholds": arrays["thresholds"],
    }


def _numbered(arrays: Mapping[str, Any], prefix: str) -> list[Any]:
    numbers = sorted(int(name.removeprefix(prefix)) for name in arrays if name.startswith(prefix))
    return [arrays[f"{prefix}{number}"] for number in range(numbers[-1] + 1)]
