"""Deep over-parameterised networks: fully connected, residual, convolutional (DEEP)."""

from hybrid_train.network.deep.calibration import calibrated
from hybrid_train.network.deep.convolutional_networks import convolutional, grid_patches
from hybrid_train.network.deep.fully_connected_networks import fully_connected
from hybrid_train.network.deep.layers import Block, Layer
from hybrid_train.network.deep.network import DeepNetwork
from hybrid_train.network.deep.passes import Pass
from hybrid_train.network.deep.residual_networks import residual, residual_plan
from hybrid_train.network.deep.scales import Scale
from hybrid_train.network.deep.seen import Seen

__all__ = [
    "Block",
    "DeepNetwork",
    "Layer",
    "Pass",
    "Scale",
    "Seen",
    "calibrated",
    "convolutional",
    "fully_connected",
    "grid_patches",
    "residual",
    "residual_plan",
]
