"""Tangent kernels and random features by config: trained, kept, loaded, predicted with, or refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hybrid_train
from hybrid_train.errors import CheckpointError, ConfigError
from hybrid_train.experiments.citing import bibtex
from hybrid_train.theory import check_theory
from tests.support.configs import Tables, merged
from tests.support.kills import command

CONFIG: Tables = {
    "data": {"kind": "sphere", "n": 12, "dim": 5},
    "network": {"kind": "tangent_kernel", "width": 64, "threshold": 0.4, "output_weight": 2.0},
    "training": {"steps": 6, "learning_rate": 0.05},
    "finder": {"kind": "scan"},
    "run": {"seed": 3},
}
FEATURES: dict[str, Any] = {"kind": "random_features", "width": 64, "threshold": 0.4}


def trained_by_hand(network: Any, inputs: Any, targets: Any, *, signs: Any, scale: float) -> Any:
    """Return V after six steps of dense gradient descent on <V, psi(x)>."""
    fired = (inputs @ network.base.weights[:].T > 0.4)[:, :, None]
    psi = (scale * fired * signs[None, :, :] * inputs[:, None, :]).reshape(len(inputs), -1)
    vector = np.zeros(psi.shape[1])
    for _ in range(6):
        vector -= 0.05 * psi.T @ (psi @ vector - targets)
    return vector.reshape(network.shift.shape)


@pytest.mark.parametrize("finder", ["scan", "hsr", "skin"])
@pytest.mark.parametrize("index", ["neurons", "data"])
def test_both_kinds_are_dense_descent_on_their_features(finder: str, index: str) -> None:
    tables = merged(CONFIG, training={"index": index}, finder={"kind": finder})
    data = hybrid_train.load_config(tables).data.load(3, None).dataset
    kernel = hybrid_train.run(tables).network
    signs = np.repeat(kernel.base.output_weights, 5, axis=1)
    assert np.array_equal(signs[:32], -signs[32:])
    by_hand = trained_by_hand(kernel, data.inputs, data.targets, signs=signs, scale=1 / 8)
    assert np.allclose(kernel.shift[:], by_hand, rtol=0, atol=1e-13)
    assert np.array_equal(kernel.base.weights[:32], kernel.base.weights[32:])

    features = hybrid_train.run(tables | {"network": FEATURES}).network
    by_hand = trained_by_hand(features, data.inputs, data.targets, signs=np.ones((64, 5)), scale=1 / 8)
    assert np.allclose(features.shift[:], by_hand, rtol=0, atol=1e-13)


def test_the_offset_of_a_gaussian_start_is_part_of_it() -> None:
    network = hybrid_train.run(merged(CONFIG, network={"start": "gaussian"}, training={"steps": 0})).network
    inputs = np.random.default_rng(0).standard_normal((9, 5))
    assert np.array_equal(network.predict(inputs), network.base.predict(inputs))
    assert network.predict(inputs).any()


@pytest.mark.parametrize("network", [CONFIG["network"], FEATURES])
def test_a_run_is_kept_loaded_predicted_with_reported_and_cited(network: dict[str, Any], tmp_path: Path) -> None:
    tables = merged(CONFIG | {"network": network}, training={"algorithm": "sgd"})
    tables = merged(tables, training={"batch_size": 4, "keep": "best"}, run={"snapshots": 4})
    result = hybrid_train.run(tables, out=tmp_path / "run")
    model = hybrid_train.load(tmp_path / "run")
    rows = np.random.default_rng(0).standard_normal((7, 5))
    assert model.predict(rows).tobytes() == result.model.predict(rows).tobytes()
    assert not hybrid_train.load(tmp_path / "run", step=0).network.shift[:].any()
    assert hybrid_train.load(tmp_path / "run", step=4).network.shift[:].any()
    np.savetxt(tmp_path / "rows.csv", rows, delimiter=",")
    words = ["predict", str(tmp_path / "run"), str(tmp_path / "rows.csv"), "--out", str(tmp_path / "found.csv")]
    assert command(words) == 0
    found = np.loadtxt(tmp_path / "found.csv", skiprows=1, delimiter=",")
    assert np.array_equal(found[:, 1], model.predict(rows).astype(float))
    assert np.allclose(found[:, 2:], model.predict_proba(rows))
    assert hybrid_train.write_report(tmp_path / "run").stat().st_size > 10_000
    assert "Activated Neuron Identification" in bibtex(hybrid_train.load_config(tables))
    tables["run"].pop("snapshots")
    table = hybrid_train.compare(tables, ["scan", "skin", "hsr"], indexes=["neurons", "data"])
    assert len({tuple(row["losses"]) for row in table.rows}) == 1


def test_snapshots_are_the_weights_of_their_steps(tmp_path: Path) -> None:
    tables = merged(CONFIG | {"network": {"width": 64}}, finder={"kind": "skin"}, training={"steps": 7})
    result = hybrid_train.run(merged(tables, run={"snapshots": 3}), out=tmp_path / "a")
    for step in (0, 3, 6, 7):
        short = hybrid_train.run(merged(tables, training={"steps": step})).network
        kept = hybrid_train.load(tmp_path / "a", step=step).network
        assert np.allclose(kept.weights[:], short.weights[:], rtol=0, atol=1e-12)
    assert hybrid_train.load(tmp_path / "a").network.weights[:].tobytes() == result.network.weights[:].tobytes()
    with pytest.raises(CheckpointError, match="step=2: no such checkpoint; there are 0, 3, 6, 7"):
        hybrid_train.load(tmp_path / "a", step=2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"training": {"algorithm": "adversarial"}}, "training.algorithm='adversarial': expected 'gd' or 'sgd' for"),
        ({"training": {"optimiser": "adam"}}, "training.optimiser='adam': remove it, it is for"),
        ({"network": {"activation": "jump"}}, "network.activation='jump': unknown key for network.kind='tangent_ke"),
        ({"network": {"width": 63}}, "network.width=63: expected an even number"),
        ({"network": {"fraction": 0.1}}, "network.threshold=0.4: remove it or fraction"),
        ({"network": {"threshold": {"alpha": 0}}}, r"network.threshold=\{'alpha': 0\}: expected \{alpha = A\}"),
        ({"network": {"threshold": {"beta": 0.3}}}, r"network.threshold=\{'beta': 0.3\}: expected \{alpha = A\}"),
        ({"network": {"threshold": "high"}}, "expected a number from -10.6 to 10.6, 'auto' or a table {alpha = A}"),
        ({"run": {"snapshots": 2}}, "run.snapshots=2: expected a directory"),
        ({"run": {"snapshots": -1}}, "run.snapshots=-1: expected a number of at least 0"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(changes: Tables, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        hybrid_train.run(merged(CONFIG, **changes))
    assert "\n" not in str(caught.value)


def test_random_features_have_one_output() -> None:
    tables = CONFIG | {"network": FEATURES, "data": {"kind": "iris"}}
    with pytest.raises(ConfigError, match="has one output, and the loss wants 3 for these data"):
        hybrid_train.run(tables)


def test_the_family_of_thresholds_is_set_from_everywhere() -> None:
    plain = merged(CONFIG, network={"kind": "two_layer", "threshold": {"alpha": 0.2}})
    plain["network"].pop("output_weight")
    auto = merged(plain, network={"threshold": "auto"})
    losses = hybrid_train.run(auto).losses
    assert hybrid_train.run(plain).losses == losses
    for override in ("network.threshold={alpha = 0.2}", 'network.threshold={"alpha"=0.2}'):
        config = hybrid_train.load_config(merged(plain, network={"threshold": 0.1}), [override])
        assert hybrid_train.run(config).losses == losses
    assert hybrid_train.run(merged(plain, network={"threshold": {"alpha": 1}})).network.threshold == 0.0


def theory(tables: Tables) -> dict[str, Any]:
    return {line.quantity: line for line in check_theory(tables).lines}


POLYNOMIAL: Tables = {
    "data": {"kind": "even_polynomial", "dim": 4, "degree": 2, "held_out": 256},
    "network": {"kind": "random_features", "width": 1024, "threshold": 0.0},
    "training": {"algorithm": "sgd", "batch_size": 4, "steps": 3000, "loss": "absolute", "learning_rate": "theorem"},
    "finder": {"kind": "scan"},
    "run": {"audit_every": 0},
}
LOSS = "mean loss over V(0) .. V(T - 1), above the target's"


def test_the_theorem_on_features_applies_and_holds_at_its_own_rate() -> None:
    lines = theory(POLYNOMIAL)
    line, rate = lines[LOSS], lines["learning rate"]
    assert line.holds == "yes"
    assert rate.measured == rate.predicted
    # By hand: the norm, and the bound at the least of its values.
    config = hybrid_train.load_config(POLYNOMIAL)
    polynomial = config.data.load(0).source.polynomial
    pure = {(i, i): 0.0 for i in range(4)}
    other, constant = 0.0, 0.0
    for variables, values in zip(polynomial.variables, polynomial.coefficients, strict=True):
        for names, value in zip(map(tuple, variables.tolist()), values, strict=True):
            if not names:
                constant = value
            elif names in pure:
                pure[names] = value
            else:
                other += value**2
    norm = np.sqrt(2 * np.pi * (other + sum((value + constant) ** 2 for value in pure.values())))
    inputs = config.data.load(0).dataset.inputs
    reach = np.sqrt(4 * np.linalg.eigvalsh(inputs.T @ inputs / len(inputs))[-1])
    assert line.predicted == pytest.approx(norm * reach / np.sqrt(1024 * 4) + norm / np.sqrt(3000), rel=1e-9)
    assert rate.predicted == pytest.approx(norm / np.sqrt(3000), rel=1e-9)


def test_the_tangent_kernel_of_twins_is_that_of_as_many_features() -> None:
    """The same draws, half as many of them independent, and output weights that make the rate as much smaller."""
    table = {"kind": "tangent_kernel", "width": 2048, "threshold": 0.0, "output_weight": 3.0}
    short = merged(POLYNOMIAL, training={"steps": 50})
    one, other = theory(short), theory(short | {"network": table})
    assert other[LOSS].measured == pytest.approx(one[LOSS].measured, rel=1e-9)
    assert other[LOSS].predicted == pytest.approx(one[LOSS].predicted, rel=1e-9)
    assert other["learning rate"].measured == pytest.approx(one["learning rate"].measured / 9)


def test_full_batches_follow_the_recursion_of_the_kernel_and_a_poor_finder_does_not() -> None:
    multi = merged(CONFIG, data={"kind": "iris", "n": 20}, network={"start": "gaussian"})
    multi["data"].pop("dim")
    for tables in (CONFIG, multi):
        assert theory(tables)["||err(T)||^2"].holds == "yes"
    diverging = theory(merged(CONFIG, training={"steps": 12, "learning_rate": 100.0}))["||err(T)||^2"]
    assert diverging.measured is not None
    assert diverging.measured > 1e20  # a rounding of that is more than the error at the start, and no refutation
    assert diverging.holds == "yes"
    poor = theory(merged(CONFIG, finder={"kind": "lsh", "tables": 1, "bits": 6}))["||err(T)||^2"]
    assert poor.satisfied is False
    assert poor.holds == "not applicable"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"data": {"n": 64}}, "fresh examples"),
        ({"training": {"loss": "squared", "learning_rate": 0.1}}, "convex Lipschitz"),
        ({"training": {"loss": "geman_mcclure", "learning_rate": 0.1}}, "convex Lipschitz"),
        ({"data": {"targets": "signs"}, "training": {"learning_rate": 0.1}}, "known even polynomial"),
        ({"finder": {"kind": "lsh"}}, "all active neurons"),
    ],
)
def test_what_the_theorem_on_features_wants_is_said(changes: Tables, reason: str) -> None:
    tables = merged(POLYNOMIAL, **changes)
    tables = merged(tables, training={"steps": 5, "learning_rate": 0.1})
    if "n" in tables["data"]:
        tables["data"].pop("held_out")
    line = theory(tables)[LOSS]
    assert line.holds == "not applicable"
    assert any(reason in text for text in line.missing)
