"""What each layer of a deep network does along a run: how far it moves, how much of it fires, how it is pulled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import numpy as np

from hybrid_train.network.deep import DeepNetwork
from hybrid_train.support.arrays import FloatArray
from hybrid_train.training.losses import Loss

MOST_LOOKS = 60
"""Steps that are looked at, at most."""


@final
class LayerCourse:
    """A deep run, looked at layer by layer.

    Args:
        network: in training, at W(0) when it is first looked at.
        inputs: (n, d).
        targets: (n, K) encoded.
        loss: summed over the data.
        steps: T; evenly many of them are looked at, the first and the last among them.
    """

    def __init__(self, network: DeepNetwork, inputs: FloatArray, targets: FloatArray, loss: Loss, steps: int) -> None:
        self._network, self._inputs, self._targets, self._loss = network, inputs, targets, loss
        self._start: list[FloatArray] = []
        self.steps = sorted({round(place) for place in np.linspace(0, steps, min(MOST_LOOKS, steps + 1))})
        self._rows: list[dict[str, list[float]]] = []

    def see(self, step: int) -> None:
        """Look at the network of now, if the step is one of those that are looked at."""
        if step not in self.steps:
            return
        if not self._rows:
            self._start = [np.array(weights) for weights in self._network.weights()]
        seen = self._network.forward(self._inputs)
        pulls = seen.gradient(self._loss.derivative(seen.outputs, self._targets))
        moves = [now - then for now, then in zip(self._network.weights(), self._start, strict=True)]
        hidden = [np.count_nonzero(values) / values.size for values in seen.hidden]
        self._rows.append(
            {"movement": self._by_layer(moves), "gradient": self._by_layer(pulls), "fired": [float(h) for h in hidden]}
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the course as plain lists: for each quantity a list for each layer, step by step.

        ``movement`` and ``gradient`` are Frobenius norms of the trained layers, ``trained`` their numbers; ``fired`` is
        the share of a layer's neurons that fire for a datum, of all layers from 0.
        """
        trained = [number for number, layer in enumerate(self._network.layers) if layer.trained]
        named = {name: _transposed([row[name] for row in self._rows]) for name in ("movement", "gradient", "fired")}
        return {"steps": self.steps[: len(self._rows)], "trained": trained, **named}

    def _by_layer(self, blocks: Sequence[FloatArray]) -> list[float]:
        """Return the norm of each trained layer, all of its blocks together."""
        left = iter(blocks)
        return [
            float(np.sqrt(sum(float(np.square(next(left)).sum()) for _ in layer.blocks)))
            for layer in self._network.layers
            if layer.trained
        ]


def _transposed(rows: Sequence[Sequence[float]]) -> list[list[float]]:
    return [list(column) for column in zip(*rows, strict=True)]
