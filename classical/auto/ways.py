"""The ways of training a two-layer network on given examples, the one first that seems best."""

from __future__ import annotations

from classical.auto.dynamics import Way
from classical.dynamics.batch.dynamics import BatchDynamics
from classical.dynamics.crowding import price_of_following
from classical.dynamics.gram.dynamics import GramDynamics
from classical.dynamics.rows.dynamics import RowDynamics
from classical.dynamics.sets import SetDynamics
from classical.lists.following import MOST_COLUMNS
from hybrid_train.finder.registry import make_finder
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray
from hybrid_train.training.dynamics import Dynamics
from hybrid_train.training.optimisers import Optimiser

_FIRST, _AT_ALL = 1.0, 6.0
"""Prices of following, as multiples of evaluating, up to which it is begun with, and tried at all."""


def scanned(network: TwoLayerNetwork, inputs: FloatArray, optimiser: Optimiser | None = None) -> Dynamics:
    """Return dynamics that scan in every step: they keep no lists, and lose to those that do wherever these fit."""
    return SetDynamics(network, inputs, make_finder("scan"), optimiser=optimiser)


def ways_to_train(network: TwoLayerNetwork, inputs: FloatArray, *, in_batches: bool = False) -> dict[str, Way]:
    """Return the ways by name.

    Args:
        network: to be trained.
        inputs: (n, d) the examples, which stay where they are.
        in_batches: whether a step sees only some of them.

    Returns:
        "gram" (lists followed through the Gram matrix), "rows" (lists evaluated from the vectors) and "batch" (lists of
        the examples of a step); those that such weights and so many examples allow.
    """
    stored = network.weights.lent() is not None
    price = price_of_following(network, inputs)
    ways: dict[str, Way] = {}
    if stored:
        ways = {"batch": BatchDynamics} if in_batches else {"rows": RowDynamics}
    if len(inputs) <= MOST_COLUMNS and (price < _AT_ALL or not stored):
        ways = {"gram": GramDynamics, **ways} if price < _FIRST or not stored else {**ways, "gram": GramDynamics}
    return ways
