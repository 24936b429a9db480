"""Where Gram dynamics begin: the geometry of the examples, clocks at zero, nothing pulled yet."""

from __future__ import annotations

import math

import numpy as np

from classical.dynamics.gram.layout import Totals, World
from classical.lists.following import ACCURACY
from hybrid_train.finder.predicate import norm_bounds, rounding_margin
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.eigenvalues import eigenvalue_bound
from hybrid_train.support.parallel import one_blas_thread

_GRAIN = 1 / 16
"""What a row's doubt grows by is below 1e-6 of this part of its path."""

_TINY = 1e-140
"""Norms between this and its inverse have a Gram matrix without overflow or underflow that matters."""

_DOUBLE = np.finfo(np.float64)


def first_world(
    network: TwoLayerNetwork, columns: FloatArray, directions: FloatArray, *, rounds: int, direct: bool
) -> World:
    """Return the world at step 0, as long as no row is known: its reach is 0.

    Args:
        network: at W(0).
        columns: (n, d) the examples.
        directions: (n, d) float64, their trained part.
        rounds: steps within which every row is evaluated from its vector.
        direct: whether outputs are summed from the rows that move.
    """
    n, examples = len(directions), columns.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"), one_blas_thread():
        gram = np.ascontiguousarray(directions @ directions.T)
    norms = np.where((examples != 0).any(axis=1), norm_bounds(examples), 0.0)
    present = norms[norms > 0]
    tame = bool(((present > _TINY) & (present < 1 / _TINY)).all())
    return World(
        threshold=float(network.threshold),
        base=float(network.threshold) if network.activation == "relu" else 0.0,
        now=0,
        gram=gram,
        norms=norms,
        inverse=np.divide(1.0, norms, out=np.zeros(n), where=norms > 0),
        grain=_GRAIN if tame else 1.0,
        pulls=np.zeros((4 if direct else rounds + 2, n, network.outputs)),
        signs=network.output_weights,
        clocks=np.zeros(n + 2),
        pace=np.zeros(n + 2),
        ticks=np.zeros(n + 1, np.int64),
        unit=0.0,
        reach=0.0,
        rounding=float(rounding_margin(network.dimension, 1.0, 1.0)),
        speck=4 * float(np.sqrt(network.dimension * _DOUBLE.tiny)),
        steps=rounds,
        accuracy=ACCURACY,
        direct=direct,
        awake=True,
    )


def no_totals(world: World) -> Totals:
    """Return sums over no rows."""
    _, n, outputs = world.pulls.shape
    size = 0 if world.direct else n * outputs
    return Totals(np.zeros((n, outputs)), np.zeros(n + 1, np.int64), np.zeros((size, size)))


def longest_combination(gram: FloatArray) -> float:
    """Return a bound of ||sum_j c_j x_j|| over all c of length 1; infinite where the Gram matrix overflowed."""
    return math.sqrt(eigenvalue_bound(gram)) * (1 + 1e-9)
