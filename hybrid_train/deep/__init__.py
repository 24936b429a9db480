"""Deep over-parameterised networks: fully connected, residual, convolutional (DEEP)."""

from hybrid_train.deep.calibration import calibrated
from hybrid_train.deep.convolutional_networks import convolutional, grid_patches
from hybrid_train.deep.fully_connected_networks import fully_connected
from hybrid_train.deep.landscapes import Landscape, landscape
from hybrid_train.deep.layers import Block, Layer
from hybrid_train.deep.network import DeepNetwork
from hybrid_train.deep.passes import Pass
from hybrid_train.deep.residual_networks import residual, residual_plan
from hybrid_train.deep.scales import Scale
from hybrid_train.deep.seen import Seen

__all__ = [
    "Block",
    "DeepNetwork",
    "Landscape",
    "Layer",
    "Pass",
    "Scale",
    "Seen",
    "calibrated",
    "convolutional",
    "fully_connected",
    "grid_patches",
    "landscape",
    "residual",
    "residual_plan",
]
