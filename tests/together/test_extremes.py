"""Configs that are valid and absurd: a table that JSON can hold, or one of our errors, never a raw exception."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

import hybrid_train
from hybrid_train.errors import ConfigError, DivergenceError
from hybrid_train.network.deep import fully_connected
from hybrid_train.network.deep.scales import auto_score
from hybrid_train.network.sparsity import gaussian_decay, sparsity_bound
from hybrid_train.theory import check_theory
from hybrid_train.theory.predictions import adversarial, convergence, counts, sgd, spectrum
from hybrid_train.theory.predictions.deep import semi_smoothness
from hybrid_train.theory.predictions.kernel import joint_firing
from hybrid_train.training.losses import make_loss

SPHERE = {"kind": "sphere", "n": 4, "dim": 3}
ONE = {"kind": "sphere", "n": 1, "dim": 1}
HUGE = (1e6, 1e5, 40.0, 35.0)


def tables(network: dict[str, Any], data: dict[str, Any] = SPHERE, **training: Any) -> dict[str, dict[str, Any]]:
    return {"data": data, "network": network, "training": {"steps": 2, "learning_rate": 0.01} | training}


def document(config: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What ``theory --json`` prints, read back."""
    read: dict[str, Any] = json.loads(json.dumps(check_theory(config, costs=False).document(), allow_nan=False))
    return read


ZEROES = {
    "threshold": [
        "fired at the start, mean over the data",
        "fired at the start, most for a datum",
        "fired at any step, most for a datum",
        "ever flipped, most for a datum",
        "ever flipped, (datum, neuron) pairs",
        "||H^dis - H^cts||_F at W(0)",
        "||H(t) - H(0)||_F, largest",
        "||u(0)||^2, u_i = f(x_i) at the start",
        "||w_r(t) - w_r(0)||, largest",
    ],
    "jump": [
        "neurons activated for a datum at the start, mean",
        "neurons activated for a datum at the start, most",
        "max_r ||w_r(t) - w_r(0)||",
        "neurons that changed sides for some datum since the start",
        "largest |f - g| of 104 inputs",
        "distance of the gradients of f and g, norm (2, 1)",
    ],
}
"""What is 0 where no neuron fires."""


@pytest.mark.parametrize("threshold", HUGE)
@pytest.mark.parametrize("kind", ["threshold", "tau", "k"])
def test_a_threshold_that_nothing_exceeds(kind: str, threshold: float) -> None:
    network = {"width": 16, kind: threshold} | ({} if kind == "threshold" else {"activation": "jump"})
    rows = {row["quantity"]: row for row in document(tables(network))["rows"]}
    zeroes = ZEROES["threshold" if kind == "threshold" else "jump"]
    assert {name: rows[name]["measured"] for name in zeroes} == dict.fromkeys(zeroes, 0)
    assert hybrid_train.run(tables(network)).losses == [2.0] * 3


@pytest.mark.parametrize("threshold", [-1e6, -1e4])
def test_a_threshold_that_everything_exceeds(threshold: float) -> None:
    assert document(tables({"width": 16, "threshold": threshold}))["rows"]
    document(tables({"width": 16, "activation": "jump", "tau": threshold}))


def test_a_loss_out_of_the_numbers_is_told() -> None:
    with pytest.raises(DivergenceError, match="loss is inf"):
        check_theory(tables({"width": 16, "threshold": 0.0, "output_weight": 1e100}, learning_rate=1.0), costs=False)


@pytest.mark.parametrize(
    "network",
    [{"width": 1}, {"width": 1, "activation": "jump"}, {"width": 16}, {"kind": "deep", "widths": [1, 1]}],
    ids=str,
)
@pytest.mark.parametrize("data", [SPHERE, ONE, SPHERE | {"dim": 1, "n": 9}], ids=str)
@pytest.mark.parametrize(
    "training", [{"steps": 0}, {"learning_rate": 1e-100}, {"learning_rate": 1e100, "steps": 0}], ids=str
)
def test_the_smallest_networks_and_data(
    network: dict[str, Any], data: dict[str, Any], training: dict[str, Any]
) -> None:
    shifts = {"threshold": 0.0} if network.get("kind") == "deep" else {}
    rows = document(tables(network | shifts, data, **training))["rows"]
    assert rows
    if shifts:
        far = [row for row in rows if row["source"] == "DEEP Theorem 5a"]
        assert far[0]["missing"] == ["m >= 2 is wanted: ln m is 0"]


def test_equal_rows_and_targets_of_zero(tmp_path: Any) -> None:
    path = tmp_path / "data.csv"
    np.savetxt(path, np.c_[np.ones((5, 3)), np.zeros(5)], delimiter=",")
    data = {"kind": "file", "path": str(path), "labels": "real"}
    for network in ({"width": 16}, {"width": 16, "activation": "jump"}, {"kind": "deep", "widths": [8, 8]}):
        assert document(tables(network, data))["rows"]


def test_output_weights_of_any_size() -> None:
    for weight in (1e100, 1e-100):
        document(tables({"width": 16, "output_weight": weight}, SPHERE | {"n": 1}, steps=0))


def test_predictions_end_in_limits_not_in_exceptions() -> None:
    assert gaussian_decay(1e300) == counts.reach_probability(1e300, 1.0) == 0.0
    assert sparsity_bound(7, -1e300) == 14.0
    assert counts.sparsity_failure(3, 10, 1e200) == 1.0
    assert spectrum.spectral_bounds(2, 1e300, 1.0) == (0.0, 0.0)
    assert convergence.initial_output_variance(1e300) == 0.0
    assert convergence.initial_output_variance(-1e300) == math.inf
    assert convergence.theorem_width(4, 1.0, 1e-300) == convergence.theorem_steps(4, 1e-300, 0.01) == math.inf
    assert convergence.theorem_width(4, 1.0, 5e-324) == math.inf
    assert adversarial.activation_bound(16, 1e300) == 0.0
    assert adversarial.flip_count_failure(3, 16, 0.0) == 0.0
    assert np.array_equal(joint_firing(1e-9 * np.eye(2), 1e308), np.zeros((2, 2)))
    with pytest.raises(ConfigError, match="accuracy=1e-300"):
        sgd.sgd_width(1e-300, 3, 1.0, 1.0)
    with pytest.raises(ConfigError, match="accuracy=1e-300"):
        sgd.sgd_steps(1e-300, 1.0)


def test_a_step_out_of_the_numbers_satisfies_nothing() -> None:
    network, loss = fully_connected([4, 4], 3), make_loss("squared")
    inputs, targets = np.eye(3), np.ones((3, 1))
    (found,) = semi_smoothness(network, network, [np.full((4, 4), 1e300)], inputs, targets, loss, (1.0,))
    assert not found.left <= 1e308


def test_a_share_below_the_least_is_told_the_least() -> None:
    with pytest.raises(ConfigError, match=r"share=1e-300: .* strictly between 6\.2e-16 and 1"):
        auto_score(8, 1e-300)
