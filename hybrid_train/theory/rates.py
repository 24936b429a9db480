"""The learning rates that the theorems name, for ``training.learning_rate = "theorem"``."""

from __future__ import annotations

import math
from typing import final

import numpy as np

from hybrid_train.config import Config
from hybrid_train.config.deep_networks import DeepSection
from hybrid_train.experiments.setting import Setting
from hybrid_train.experiments.theorem_rate import RateSource, TheoremRate, refused
from hybrid_train.theory.lines.deep_case import least_distance
from hybrid_train.theory.lines.line import unit_data
from hybrid_train.theory.lines.sgd import known_polynomial
from hybrid_train.theory.predictions.convergence import theorem_rate
from hybrid_train.theory.predictions.deep_course import Sizes
from hybrid_train.theory.predictions.kernel import joint_firing
from hybrid_train.theory.predictions.sgd import kernel_norm, sgd_rate
from hybrid_train.theory.predictions.spectrum import eigenvalues, smallest_of
from hybrid_train.training.losses import SquaredLoss

_MOST_DATA = 4096
"""Data whose kernel is decomposed for a rate."""


@final
class TwoLayerRate(RateSource):
    """PRE Lemma 5.2 for full batches, SGD Theorem 5.6 through Lemma 5.3 for fresh ones."""

    def rate(self, config: Config, setting: Setting) -> TheoremRate:
        network, training = config.two_layer, config.training
        if training.algorithm == "sgd":
            if network.start != "paired":
                raise refused("SGD Theorem 5.1 wants network.start='paired', whose output at the start is 0")
            return _sgd(config, setting, network.output_weight)
        if training.algorithm != "gd":
            raise refused("no theorem speaks of training this network against an adversary; ADV has activation='jump'")
        if not isinstance(setting.loss, SquaredLoss) or setting.outputs != 1 or network.output_weight != 1.0:
            raise refused("PRE Lemma 5.2 wants the squared loss, one output and network.output_weight=1")
        _check_unit(setting)
        n, inputs, threshold = len(setting.inputs), setting.inputs, setting.threshold
        if n > _MOST_DATA:
            raise refused(f"lambda is worked out for up to {_MOST_DATA} data, here n = {n}")
        gram = inputs @ inputs.T
        kernel = 0.5 * (gram + gram.T) * joint_firing(inputs, threshold or 0.0)
        smallest = smallest_of(eigenvalues(kernel))
        if smallest <= 0:
            raise refused("lambda of these data is 0 up to rounding, and PRE Lemma 5.2 wants it positive")
        formula = f"lambda / (4 n^2) with lambda={smallest:.6g}, n={n}"
        return TheoremRate(theorem_rate(n, smallest), formula, "PRE Lemma 5.2")


@final
class FeatureRate(RateSource):
    """SGD Theorem 5.6."""

    def rate(self, config: Config, setting: Setting) -> TheoremRate:
        if config.training.algorithm != "sgd":
            raise refused("SGD Theorem 5.6 wants training.algorithm='sgd' with fresh examples")
        table = config.network.model_dump()
        return _sgd(config, setting, table.get("output_weight", 1.0))


@final
class JumpingRate(RateSource):
    """ADV Theorem 5.12, with its K set to 1."""

    def rate(self, config: Config, setting: Setting) -> TheoremRate:
        if config.training.algorithm != "adversarial":
            raise refused("ADV Theorem 5.12 wants training.algorithm='adversarial'")
        steps, width, n = max(1, config.training.steps), config.two_layer.width, len(setting.inputs)
        # The theorem's loss is the mean over the data, the one trained on here their sum.
        value = 1.0 / (width**0.2 * math.sqrt(steps) * n)
        formula = (
            f"K / (m^(1/5) T^(1/2)), over n for a loss summed over the data, with K=1, m={width}, T={steps}, n={n}"
        )
        return TheoremRate(value, formula, "ADV Theorem 5.12")


@final
class DeepRate(RateSource):
    """DEEP Theorems 1, 2 and 8, constants 1."""

    def rate(self, config: Config, setting: Setting) -> TheoremRate:
        network, training = config.network, config.training
        if not isinstance(network, DeepSection) or network.kind == "convolutional":
            raise refused("DEEP Theorem 7 does not name the powers that convolutions cost")
        if training.algorithm == "adversarial" or config.data.fresh:
            raise refused("DEEP Theorems 1 and 2 speak of given examples that nobody moves")
        if training.algorithm == "sgd" and training.replacement != "subset":
            raise refused("DEEP Theorem 2 wants training.replacement='subset'")
        if not isinstance(setting.loss, SquaredLoss) or network.joint:
            raise refused("DEEP Theorems 1 and 2 want the squared loss, and train the hidden layers alone")
        _check_unit(setting)
        start, n = setting.start_deep(config), len(setting.inputs)
        delta = min(least_distance(setting.inputs, setting.dataset.quick_separation), 1.0 / start.depth)
        if delta <= 0:
            raise refused("delta of these data is 0, and DEEP Assumption 2.1 wants it positive")
        sizes = Sizes(n, start.depth, max(start.widths), start.outputs, delta, training.batch_size)
        formula = "b d delta / (n^5 L^2 m ln^2 m)" if training.batch_size else "d delta / (n^4 L^2 m)"
        numbers = f"d={start.outputs}, delta={delta:.4g}, n={n}, L={start.depth}, m={max(start.widths)}"
        source = f"DEEP Theorem {8 if network.kind == 'residual' else 2 if training.batch_size else 1}, constant 1"
        return TheoremRate(sizes.rate, f"{formula} with {numbers}", source)


def _sgd(config: Config, setting: Setting, output_weight: float) -> TheoremRate:
    """Return M / (sqrt(T) L), over B^2 for output weights of size B (SGD Lemma 5.3)."""
    polynomial, loss, steps = known_polynomial(config, setting), setting.loss, config.training.steps
    if setting.fresh is None or polynomial is None:
        raise refused("SGD Theorem 5.6 wants fresh examples in every step of a known even polynomial's values")
    if loss.lipschitz is None or not loss.convex:
        raise refused("SGD Theorem 5.6 wants a convex Lipschitz loss, training.loss='absolute' or 'huber'")
    if steps < 1:
        raise refused("SGD Theorem 5.6 wants at least one step")
    _check_unit(setting)
    norm = kernel_norm(polynomial, setting.inputs.shape[1], setting.threshold or 0.0)
    if not math.isfinite(norm):
        raise refused("at this threshold the target is not in the kernel's space, so that it has no norm M")
    value = sgd_rate(steps, norm, lipschitz=loss.lipschitz) / output_weight**2
    over = "" if output_weight == 1.0 else f" / B^2, B={output_weight:g},"
    numbers = f"M={norm:.6g}, T={steps}, L={loss.lipschitz:g}"
    return TheoremRate(value, f"M / (T^(1/2) L){over} with {numbers}", "SGD Theorem 5.6")


def _check_unit(setting: Setting) -> None:
    for why in unit_data(np.asarray(setting.inputs)):
        raise refused(why)
