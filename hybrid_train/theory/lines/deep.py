"""What DEEP predicts of a deep run beside what was measured.

Most theorems hide constants, which are 1 here: a line says whether the bound holds with that constant.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hybrid_train.theory.lines.deep_case import CONSTANT, SECTION, DeepCase, hidden, within
from hybrid_train.theory.lines.deep_products import product_lines
from hybrid_train.theory.lines.line import CONFIDENCE, Line, Relation, at_most, in_doubt
from hybrid_train.theory.predictions.deep import (
    flipped,
    hidden_norms,
    norm_deviation,
    perturbation_radius,
    residual_norm_bound,
    residual_norm_least,
    semi_smoothness,
)
from hybrid_train.training.losses import SquaredLoss

_RESIDUAL_MOST, _RESIDUAL_LEAST = 1.02, 20**-0.5
"""Between these DEEP Appendix C has ||h_l|| of a residual network."""


def deep_lines(case: DeepCase) -> list[Line]:
    """Return every line about a deep run."""
    return [
        *norms_kept(case),
        gradient_above(case),
        gradient_below(case),
        semi_smooth(case),
        *near_linearisation(case),
        flips_few(case),
        *product_lines(case),
    ]


def norms_kept(case: DeepCase) -> Sequence[Line]:
    """||h_l|| at the start: near 1, and in residual networks between 1/sqrt(20) and 1.02."""
    norms, start = hidden_norms(case.before), case.start
    if start.kind == "residual":
        return _residual_norms(case, float(norms.min()), float(norms.max()))
    channels = [len(layer.blocks[0].points) for layer in start.layers]
    error = norm_deviation(channels, case.n, CONFIDENCE)
    worst = float(np.abs(norms - 1.0).max())
    missing = case.outside + (() if error <= 1.0 else (f"epsilon <= 1 is wanted, here {error:.3g}: wider layers",))
    formula = "(5/2 sum_l 1/m_l ln(200 n (L + 1)))^{1/2}"
    note = '"no" would be a false alarm in one of 100 starts'
    return (
        _line("max | ||h_l|| - 1 | at the start", formula, "DEEP Lemma 7.1", "<=", error, worst, missing, note=note),
    )


def _residual_norms(case: DeepCase, least: float, most: float) -> Sequence[Line]:
    """The norms of a residual network, whose 1.02 leaves too little for chance below some width."""
    source, factor = "DEEP Appendix C", case.start.layers[1].factor
    likely = residual_norm_bound(case.depth, case.width, factor if case.depth > 1 else 0.0, case.n, CONFIDENCE)
    narrow: tuple[str, ...] = ()
    if likely > _RESIDUAL_MOST:
        narrow = (f"a wider network is wanted: norms up to {likely:.4g} come up by chance at m = {case.width}",)
    most_line = _line(
        "max ||h_l|| at the start", "1.02", source, "<=", _RESIDUAL_MOST, most, case.outside + narrow, note=""
    )
    unlikely = residual_norm_least(case.depth, case.width, factor if case.depth > 1 else 0.0, case.n, CONFIDENCE)
    short: tuple[str, ...] = ()
    if unlikely < _RESIDUAL_LEAST:
        short = (f"a wider network is wanted: norms down to {unlikely:.4g} come up by chance at m = {case.width}",)
    least_line = _line(
        "min ||h_l|| at the start", "20^{-1/2}", source, ">=", _RESIDUAL_LEAST, least, case.outside + short, note=""
    )
    return most_line, least_line


def gradient_above(case: DeepCase) -> Line:
    """The gradient of a layer against its upper bound."""
    found = case.gradients
    missing = case.outside + case.unconvolved + case.far_for_gradients
    return _line(
        "max_l ||grad_l F||_F^2", "m_L n ||loss||^2 / d", "DEEP Theorem 3", "<=", found.upper, found.largest, missing
    )


def gradient_below(case: DeepCase) -> Line:
    """The gradient of the last layer against its lower bound: no critical point."""
    found = case.gradients
    missing = case.outside + case.unconvolved + case.unseparated + case.far_for_gradients
    missing += in_doubt(case.separation, at_most(found.lower, found.last))
    empty = "every example is fitted" if found.lower == 0.0 else ""
    formula = "delta m_L max_i ||loss_i||^2 / (d n)"
    return _line("||grad_L F||_F^2", formula, "DEEP Theorem 3", ">=", found.lower, found.last, missing, empty=empty)


def semi_smooth(case: DeepCase) -> Line:
    """A step of gradient descent: what it loses against the first order."""
    gradient = case.after.gradient(case.loss.derivative(case.after.outputs, case.targets))
    moves = [-case.rate * part for part in gradient]
    found = semi_smoothness(case.start, case.now, moves, case.inputs, case.targets, case.loss, (1.0,))[0]
    formula = "(n F)^{1/2} omega^{1/3} L^2 (m ln m / d)^{1/2} ||W'||_2 + n L^2 m / d ||W'||_2^2"
    quantity = "F(W + W') - F(W) - <grad F, W'>"
    missing = case.outside + case.unconvolved + case.far
    if case.width > 1:
        missing += within(found.size, perturbation_radius(case.width, case.depth), "1/(L^4.5 ln^3 m)", "||W'||_2")
    if not isinstance(case.loss, SquaredLoss):
        missing += ("the squared loss is wanted",)
    empty = "the step is none" if found.size == 0.0 else ""
    return _line(quantity, formula, "DEEP Theorem 4", "<=", found.right, found.left, missing, empty=empty)


def near_linearisation(case: DeepCase) -> Sequence[Line]:
    """The distance to the linearised network: of gradients, outputs and kernels."""
    found, missing = case.linearised, case.outside + case.unconvolved + case.far
    root, outputs = "(ln m)^{1/2} omega^{1/3} L^3", "L^3 omega^{4/3} (m ln m / d)^{1/2}"
    nearer = missing
    if case.width > 1:
        radius = 1.0 / (case.depth**9 * np.log(case.width) ** 1.5)
        nearer = missing + within(case.omega, radius, "1/(L^9 ln^1.5 m)")
    rows = (
        ("relative change of a gradient", root, "5a", found.gradient_bound, found.gradient, missing),
        ("output - linearised", outputs, "5b", found.output_bound, found.output, missing),
        ("relative change of the kernel", root, "5c", found.kernel_bound, found.kernel, nearer),
    )
    still = "nothing moved" if case.omega == 0.0 else ""
    note = "; ".join(part for part in (CONSTANT, case.sampled) if part)
    return [
        _line(quantity, formula, f"DEEP Theorem {part}", "<=", bound, value, lacking, note=note, empty=still)
        for quantity, formula, part, bound, value, lacking in rows
    ]


def flips_few(case: DeepCase) -> Line:
    """Neurons of a layer that fire at one of W(0) and W(t) only, in the layer with the largest share of them."""
    counts = flipped(case.before, case.after).max(axis=1)
    layer = int(np.argmax(counts / np.array(case.now.widths)))
    width = case.now.widths[layer]
    bound = width * case.covered ** (2 / 3) * case.depth
    empty = "nothing moved" if case.omega == 0.0 else f"there are only m = {width}" if bound >= width else ""
    return _line(
        "flips of an example in a layer",
        "m omega^{2/3} L",
        "DEEP Lemma 8.2b",
        "<=",
        bound,
        float(counts[layer]),
        case.outside + case.unconvolved + case.far + case.narrow,
        note=f"{CONSTANT}; in layer {layer}",
        empty=empty,
    )


def _line(
    quantity: str,
    formula: str,
    source: str,
    relation: Relation,
    predicted: float,
    measured: float,
    missing: tuple[str, ...],
    *,
    note: str = CONSTANT,
    empty: str = "",
) -> Line:
    true = at_most(measured, predicted) if relation == "<=" else at_most(predicted, measured)
    if note.startswith(CONSTANT):
        missing += hidden(true, relation, predicted, measured)
    return Line(SECTION, quantity, formula, source, relation, predicted, measured, true, missing, note, empty=empty)
