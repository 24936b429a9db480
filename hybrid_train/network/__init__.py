"""Networks: two-layer with a shifted ReLU or a jump, and deep ones."""

from __future__ import annotations

from hybrid_train.network.two_layer import TwoLayerNetwork, auto_threshold

__all__ = ["TwoLayerNetwork", "auto_threshold"]
