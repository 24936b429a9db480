"""What DEEP sections 7 and 8 say of products of layers and of hidden vectors, beside what was measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from hybrid_train.theory.lines.deep_case import CONSTANT, SECTION, DeepCase, hidden
from hybrid_train.theory.lines.line import Line, Relation, at_most
from hybrid_train.theory.predictions.deep_products import (
    forward_change,
    largest_backward_change,
    largest_between,
    largest_to_outputs,
    least_separation,
    plain,
)

_EXAMPLES = 3
"""Examples whose products are looked at: a norm takes some sixty products with every layer."""

_KNOWN = ("4 L^{1/2}", "2 (m_L / d)^{1/2}")
"""Bounds with a constant that wide random layers keep below; narrow ones may not, and the theory names none."""

_MOST_WORK = 5e10
"""Multiplications that the norms may take together."""


@final
@dataclass(frozen=True)
class _Claim:
    """One of the lemmas.

    Attributes:
        quantity: what is measured.
        formula: its bound.
        source: the lemma.
        relation: of the two.
        predicted: the bound.
        measured: what was found.
        missing: what the lemma wants and the run lacks.
        sampled: whether some of the examples stand for all.
        empty: why no run could break it.
    """

    quantity: str
    formula: str
    source: str
    relation: Relation
    predicted: float
    measured: float
    missing: tuple[str, ...]
    sampled: bool = True
    empty: str = ""


def product_lines(case: DeepCase) -> Sequence[Line]:
    """Return every line; none for convolutions, whose powers are not named, and where the norms would take too long."""
    depth, work = case.depth, sum(math.prod(layer.blocks[0].points.shape) for layer in case.start.layers)
    found = [_separation(case)] if case.n > 1 else []
    if plain(case.before) and case.width > 1 and 120.0 * work * depth**2 * _EXAMPLES <= _MOST_WORK:
        found += [*_at_start(case), *_moved(case)]
    return [_line(claim) for claim in found]


def _line(claim: _Claim) -> Line:
    first, second = claim.measured, claim.predicted
    true = at_most(first, second) if claim.relation == "<=" else at_most(second, first)
    missing = claim.missing + hidden(true, claim.relation, second, first)
    constant = "a constant that wide random layers keep below" if claim.formula in _KNOWN else CONSTANT
    note = f"{constant}; sampled: of {_EXAMPLES} examples, by power iteration, which is from below"
    return Line(
        SECTION,
        claim.quantity,
        claim.formula,
        claim.source,
        claim.relation,
        second,
        first,
        true,
        missing,
        note if claim.sampled else CONSTANT,
        empty=claim.empty,
    )


def _separation(case: DeepCase) -> _Claim:
    """Lemma 7.5: hidden vectors of two examples stay apart."""
    wanted = case.depth * math.log(case.n * case.depth) / case.delta**6 if case.delta > 0 else math.inf
    missing = case.outside + case.unseparated
    if min(case.start.widths) < wanted:
        missing += (f"m >= L ln(n L) / delta^6 = {wanted:.3g} is wanted, here {min(case.start.widths)}",)
    quantity, formula = "min ||(I - h_i h_i^T / ||h_i||^2) h_j||", "delta / 2"
    measured = least_separation(case.before)
    return _Claim(quantity, formula, "DEEP Lemma 7.5", ">=", case.delta / 2, measured, missing, sampled=False)


def _some(case: DeepCase) -> range:
    return range(min(_EXAMPLES, case.n))


def _at_start(case: DeepCase) -> Sequence[_Claim]:
    """Lemmas 7.3a and 7.4b: products of layers at the start."""
    missing = case.outside + case.narrow
    between, out = largest_between(case.before, _some(case)), largest_to_outputs(case.before, _some(case))
    last = case.start.widths[-1]
    return (
        _Claim("max ||W_b D .. D W_a||_2", "4 L^{1/2}", "DEEP Lemma 7.3a", "<=", _root(case), between, missing),
        _Claim(
            "max ||B D_L W_L .. D_a W_a||_2",
            "2 (m_L / d)^{1/2}",
            "DEEP Lemma 7.4b",
            "<=",
            2.0 * math.sqrt(last / case.start.outputs),
            out,
            missing,
        ),
    )


def _root(case: DeepCase) -> float:
    """Return 4 L^{1/2}, the bound of a product: one layer N(0, 2/m) has 8^{1/2}, two 4.1, and so on as L^{1/2}."""
    return 4.0 * math.sqrt(case.depth)


def _moved(case: DeepCase) -> Sequence[_Claim]:
    """Lemmas 8.2a, 8.2c, 8.6 and 8.7: what a movement of omega changes."""
    omega, depth, width = case.covered, case.depth, case.width
    missing, still = case.outside + case.far + case.narrow, "nothing moved" if case.omega == 0.0 else ""
    root = math.sqrt(math.log(width))
    change = forward_change(case.before, case.after, omega * depth**2.5 * root / math.sqrt(width))
    backward = largest_backward_change(case.before, case.after, _some(case))
    between = largest_between(case.after, _some(case))
    outputs = omega ** (1 / 3) * depth**2 * math.sqrt(width / case.now.outputs) * root
    return (
        _Claim(
            "||g'_1||, where |g'_2| <= omega L^{5/2} (ln m / m)^{1/2}",
            "omega L^{3/2}",
            "DEEP Lemma 8.2a",
            "<=",
            omega * depth**1.5,
            change.spread,
            missing,
            sampled=False,
            empty=still,
        ),
        _Claim(
            "max ||h_l - h_l(0)||",
            "omega L^{5/2} (ln m)^{1/2}",
            "DEEP Lemma 8.2c",
            "<=",
            omega * depth**2.5 * root,
            change.hidden,
            missing,
            sampled=False,
            empty=still,
        ),
        _Claim(
            "max ||W_b D .. D W_a||_2 at W(t)",
            "4 L^{1/2}",
            "DEEP Lemma 8.6b",
            "<=",
            _root(case),
            between,
            missing,
            empty=still,
        ),
        _Claim(
            "max change of ||B D_L W_L .. D_a||_2",
            "omega^{1/3} L^2 (m ln m / d)^{1/2}",
            "DEEP Lemma 8.7",
            "<=",
            outputs,
            backward,
            missing,
            empty=still,
        ),
    )
