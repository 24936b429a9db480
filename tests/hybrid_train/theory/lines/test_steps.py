"""Single steps of gradient descent: the terms of PRE D.2 worked out densely, and lines that can say no."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hybrid_train.config import load_config
from hybrid_train.experiments.setting import Setting
from hybrid_train.theory.lines import convergence, kernel, steps
from hybrid_train.theory.lines.case import Case
from hybrid_train.theory.predictions.step_terms import StepTerms
from hybrid_train.theory.two_layer_check import observe

TABLES: dict[str, Any] = {
    "data": {"kind": "sphere", "n": 3, "dim": 8},
    "network": {"width": 32768, "threshold": 0.5},
    "training": {"steps": 6, "learning_rate": 0.006},
    "finder": {"kind": "scan"},
}
COARSE = TABLES | {"network": {"width": 64, "threshold": 0.5}, "training": {"steps": 6, "learning_rate": 0.3}}


def case_of(tables: dict[str, Any], **options: Any) -> Case:
    config = load_config(tables)
    setting = Setting.of(config)
    return Case(observe(config, setting), setting.dataset.separation, "squared", "gaussian", "gd", **options)


@pytest.fixture(scope="module")
def ideal() -> Case:
    return case_of(TABLES | {"training": {"steps": 60, "learning_rate": 0.006}})


def by_hand(tables: dict[str, Any]) -> list[StepTerms]:
    """Train and take apart by matrices alone, neuron by neuron."""
    config = load_config(tables)
    setting = Setting.of(config)
    network = setting.start_two_layer(config)
    w, a, x, y = network.weights[:].copy(), network.output_weights[:, 0], setting.inputs, setting.targets[:, 0]
    m, b, eta = len(w), network.threshold, config.training.learning_rate
    found = []
    for _ in range(config.training.steps):
        z = x @ w.T
        on = (z > b).astype(float)
        err = y - (on * (z - b)) @ a / np.sqrt(m)
        pull = -(a[:, None] * ((on * err[:, None]).T @ x)) / np.sqrt(m)
        z_next = x @ (w - eta * pull).T
        on_next = (z_next > b).astype(float)
        flip = on != on_next
        v = a * (on_next * (z_next - b) - on * (z - b)) / np.sqrt(m)
        v2 = (v * flip).sum(axis=1)
        err_next = err - v.sum(axis=1)
        h = x @ x.T * (on @ on.T) / m
        dual = x @ x.T * ((on * flip) @ on.T) / m
        found.append(
            StepTerms(
                before=err @ err,
                after=err_next @ err_next,
                first=-2 * eta * err @ h @ err,
                second=2 * eta * err @ dual @ err,
                third=-2 * err @ v2,
                fourth=(v.sum(axis=1) ** 2).sum(),
                flipped=int(flip.sum(axis=1).max()),
                gradient=float(np.linalg.norm(pull, axis=1).max()),
                dual=float(np.linalg.norm(dual)),
                flip_share=float(3 * np.square(flip.sum(axis=1) / m).sum()),
            )
        )
        w = w - eta * pull
    return found


@pytest.mark.parametrize("tables", [TABLES, COARSE], ids=["small steps", "coarse steps"])
def test_the_terms_are_those_worked_out_densely(tables: dict[str, Any]) -> None:
    case, expected = case_of(tables), by_hand(tables)
    assert len(case.observed.terms) == 6
    for found, hand in zip(case.observed.terms, expected, strict=True):
        ours = found.scaled(case.observed.learning_rate)
        for name, value in vars(hand).items():
            assert getattr(ours, name) == pytest.approx(value, rel=1e-9, abs=1e-13), name
        assert abs(hand.gap) < 1e-13
    assert steps.identity(case).holds == "yes"


def test_where_the_lemmas_apply_they_hold_or_say_nothing(ideal: Case) -> None:
    held = {line.__name__: line(ideal).holds for line in steps.LINES}
    assert held == {
        "identity": "yes",
        "gradient": "says nothing",
        "improvement": "yes",
        "dual_norm": "says nothing",
        "dual": "says nothing",
        "flips": "says nothing",
        "outputs_move": "says nothing",
        "one_step": "yes",
    }
    assert steps.improvement(ideal).predicted == pytest.approx(-ideal.smallest)


@pytest.mark.parametrize(
    ("line", "broken"),
    [
        (steps.identity, {"after": 1.01}),
        (steps.improvement, {"first": 0.1}),
        (steps.one_step, {"after": 1.01}),
        (steps.gradient, {"gradient": 1e3}),
        (steps.outputs_move, {"fourth": 1e6}),
        (steps.dual_norm, {"dual": 1e3}),
        (steps.dual, {"second": 1e6}),
        (steps.flips, {"third": -1e6}),
    ],
)
def test_a_step_of_another_kind_is_seen(ideal: Case, line: Any, broken: dict[str, float]) -> None:
    terms = tuple(
        replace(one, **{name: factor * getattr(one, name) for name, factor in broken.items()})
        for one in ideal.observed.terms
    )
    if line is steps.flips:
        terms = tuple(replace(one, third=abs(one.third)) for one in terms)
    assert line(replace(ideal, observed=replace(ideal.observed, terms=terms))).holds == "no"


def test_a_norm_that_is_printed_without_its_square_is_broken_by_few_flips(ideal: Case) -> None:
    line = steps.dual_norm(ideal)
    assert line.measured is not None
    assert 0 < line.measured <= 1
    assert "without the square, it is broken" in line.note


def test_a_step_of_another_rate_is_not_the_one_that_was_said(ideal: Case) -> None:
    other = replace(ideal.observed, learning_rate=2 * ideal.observed.learning_rate)
    assert steps.identity(replace(ideal, observed=other)).holds == "no"


def test_steps_that_overshoot_a_million_times_are_told_by_what_they_add_up() -> None:
    """Terms of 1e6 that cancel leave a gap of their own rounding, not of the error's before."""
    data = {"kind": "sphere", "n": 24, "dim": 5}
    training = {"steps": 3, "learning_rate": 1e3}
    wild = case_of(TABLES | {"data": data, "network": {"width": 1}, "training": training, "run": {"seed": 72480}})
    assert max(one.after / one.before for one in wild.observed.terms) > 1e6
    line = steps.identity(wild)
    assert line.satisfied
    assert line.measured is not None
    assert line.measured < 1e-13


def test_steps_that_move_nothing_say_nothing() -> None:
    dead = case_of(COARSE | {"network": {"width": 64, "threshold": 20.0}})
    assert len(dead.observed.terms) == 6
    assert steps.identity(dead).holds == "says nothing"
    assert steps.identity(dead).nothing == "no step moved an output"
    still = replace(dead.observed, movement=np.zeros_like(dead.observed.movement))
    assert convergence.weights_stay(replace(dead, observed=still)).nothing == "nothing moved"


@pytest.mark.parametrize("rate", [1e-6, 1e-9, 1e-12])
def test_an_equality_that_rounding_exceeds_refutes_nothing(rate: float) -> None:
    """One datum that every neuron fires for: B4 is eta^2 n^2 ||err||^2 itself, out of a difference of outputs."""
    tables = TABLES | {"data": {"kind": "sphere", "n": 1, "dim": 3}, "network": {"width": 3, "threshold": -5.0}}
    case = case_of(tables | {"training": {"steps": 3, "learning_rate": rate}})
    line = steps.outputs_move(case)
    assert line.measured == pytest.approx(1.0, rel=1e-2)
    assert line.holds in {"says nothing", "not applicable"}
    terms = tuple(replace(one, fourth=1.1 * one.fourth + 1e-20) for one in case.observed.terms)
    assert steps.outputs_move(replace(case, observed=replace(case.observed, terms=terms))).satisfied is False


@pytest.mark.parametrize(
    ("options", "reason"), [({"plain": False}, "plain descent"), ({"output_weight": 2.0}, "output weights of -1")]
)
def test_what_is_wanted_of_the_training_is_said(options: dict[str, Any], reason: str) -> None:
    line = steps.identity(case_of(COARSE, **options))
    assert line.holds == "not applicable"
    assert any(reason in text for text in line.missing)


def test_several_outputs_are_not_taken_apart() -> None:
    tables = COARSE | {"data": {"kind": "iris", "n": 9}}
    line = steps.identity(case_of(tables))
    assert (line.holds, line.measured) == ("not applicable", None)


def test_the_kernel_and_the_flow_hold_and_can_be_broken(ideal: Case) -> None:
    seen = ideal.observed
    assert kernel.kernel_near(ideal).holds == "yes"
    assert kernel.kernel_near(replace(ideal, observed=replace(seen, spectra=seen.spectra / 3))).holds == "no"
    long = case_of(TABLES | {"training": {"steps": 40, "learning_rate": 0.006}})
    flow = convergence.flow(long)
    assert flow.holds == "yes"
    assert flow.predicted == pytest.approx(np.exp(-long.smallest * 0.006 * 40) * long.observed.errors[0])
    stuck = replace(long, observed=replace(long.observed, errors=np.full(41, long.observed.errors[0])))
    assert convergence.flow(stuck).holds == "no"
    fast = replace(long, observed=replace(long.observed, learning_rate=0.6))
    assert any("eta lambda_max(H) <= 0.01" in text for text in convergence.flow(fast).missing)
