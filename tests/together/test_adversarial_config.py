"""Adversarial training from a config: what is refused, and that every finder gives the same robust row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hybrid_train import compare, load_config, run
from hybrid_train.adversaries import make_ball
from hybrid_train.errors import ConfigError
from hybrid_train.experiments.assembly import planned_queries
from hybrid_train.experiments.setting import Setting
from hybrid_train.experiments.table import comparison_text
from hybrid_train.network import TwoLayerNetwork
from tests.support.configs import Tables, replaced

JUMP = {"width": 600, "activation": "jump", "fraction": 0.1}
CONFIG: Tables = {
    "data": {"kind": "digits", "n": 12},
    "network": JUMP,
    "training": {"algorithm": "adversarial", "steps": 3, "loss": "logistic"},
    "adversary": {"kind": "pgd", "norm": "l2", "rho": 0.1, "steps": 2},
}


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        (replaced(CONFIG, training={"algorithm": "gd"}), "training.algorithm='gd': expected 'adversarial'"),
        (replaced(CONFIG, adversary={"rho": -1.0}), "adversary.rho=-1.0: expected a radius of at least 0"),
        (replaced(CONFIG, adversary={"kind": "pdg"}), "did you mean 'pgd'"),
        (
            replaced(CONFIG, adversary={"kind": "fgsm", "steps": 3}),
            "adversary.steps=3: remove it, it belongs to kind='pgd'",
        ),
        (replaced(CONFIG, adversary={"restarts": 2}), "adversary.restarts=2: they would all be the same"),
        (replaced(CONFIG, network={"tau": 0.1}), "network.tau=0.1: remove it, it belongs to activation='jump'"),
        (replaced(CONFIG, network=JUMP | {"k": 1.0}), "network.fraction=0.1: remove it or the others"),
        (replaced(CONFIG, network=JUMP | {"threshold": 1.0}), "network.threshold=1.0: remove it"),
        (replaced(CONFIG, network=JUMP | {"start": "paired"}), "network.start='paired': remove it"),
        (replaced(CONFIG, data={"kind": "even_polynomial", "dim": 4}), "data.n: missing"),
    ],
)
def test_what_does_not_fit_is_refused(tables: Tables, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(tables)
    assert message in str(caught.value)


def test_a_config_survives_being_written() -> None:
    config = load_config(CONFIG)
    assert load_config(config.as_dict()) == config
    assert config.adversary is not None
    assert config.adversary.options == {"steps": 2}
    assert load_config({"data": {"kind": "digits"}}).adversary is None
    assert load_config(replaced(CONFIG, adversary={})).adversary is not None, "PGD by default"


@pytest.mark.parametrize("network", [JUMP, {"width": 256}])
@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_every_finder_gives_the_same_robust_row(network: dict[str, Any], norm: str) -> None:
    tables = replaced(CONFIG, network=network, adversary={"norm": norm, "rho": 0.1, "steps": 2, "random_start": True})
    tables["finders"] = {"grover": {"engine": "closed_form"}}
    rows = compare(tables, ["scan", "hsr", "skin", "grover"], progress=False).rows
    for row in rows:
        assert row["recall"] == 1
        assert row["losses"] == pytest.approx(rows[0]["losses"], rel=1e-9)
        assert row["clean_losses"] == pytest.approx(rows[0]["clean_losses"], rel=1e-9)
        assert row["robust_accuracy"] == rows[0]["robust_accuracy"] <= row["accuracy"]
        assert all(robust >= clean for robust, clean in zip(row["losses"], row["clean_losses"], strict=True))


@pytest.mark.parametrize("keep", ["last", "best", "average", "random"])
@pytest.mark.parametrize("batches", [{}, {"batch_size": 5}])
def test_the_row_judges_the_network_that_is_returned(keep: str, batches: dict[str, Any]) -> None:
    training = {"algorithm": "adversarial", "steps": 6, "loss": "squared", "learning_rate": 0.01, "keep": keep}
    tables = replaced(CONFIG, training=training | batches, finder={"kind": "skin"}, data={"kind": "digits", "n": 40})
    tables["adversary"] = {"kind": "fgsm", "rho": 0.3}
    result = run(tables, progress=False)
    setting, network, row = Setting.of(result.table.config), result.network, result.row
    assert isinstance(network, TwoLayerNetwork)
    clean, labels = setting.inputs, setting.dataset.targets > 0
    slope = setting.loss.derivative(network.predict(clean), setting.targets)
    fires = clean @ network.weights[:].T > network.threshold
    gradient = np.einsum("nk,mk,nm,md->nd", slope, network.output_weights, fires, network.weights[:])
    gradient[:, -1] = 0.0
    outputs = network.predict(make_ball("l2", 0.3, kept=2).worst(gradient, clean))
    assert row["robust_accuracy"] == np.mean((outputs[:, 0] > 0) == labels)
    assert row["returned_loss"] == pytest.approx(setting.loss.value(outputs, setting.targets), rel=1e-9)
    assert row["accuracy"] == np.mean((network.predict(clean)[:, 0] > 0) == labels)
    assert (row["returned_loss"] == pytest.approx(row["final_loss"], rel=1e-9)) == (row["returned_step"] == 6)


def test_no_adversary_is_plain_descent() -> None:
    none = run(replaced(CONFIG, network={"width": 256}, adversary={"kind": "none"}), progress=False).row
    tables = replaced(CONFIG, network={"width": 256}, training=CONFIG["training"] | {"algorithm": "gd"})
    del tables["adversary"]
    plain = run(tables, progress=False).row
    assert none["losses"] == pytest.approx(plain["losses"], rel=1e-12)
    assert none["robust_accuracy"] == none["accuracy"] == plain["accuracy"]
    assert "robust_accuracy" not in plain


def test_the_finder_is_told_about_every_look_of_the_adversary() -> None:
    config = load_config(replaced(CONFIG, adversary={"steps": 4, "random_start": True, "restarts": 2}))
    # the clean look, each restart's start and steps, and the worst place at the end
    assert planned_queries(config, Setting.of(config)) == (1 + 2 * (4 + 1) + 1) * 12 * (3 + 1)


def test_batches_can_be_attacked() -> None:
    tables = replaced(CONFIG, training=CONFIG["training"] | {"batch_size": 5, "learning_rate": 0.1})
    row = run(tables, progress=False).row
    assert len(row["losses"]) == 4
    assert row["recall"] == 1


def test_the_table_shows_clean_and_robust_side_by_side() -> None:
    row = run(CONFIG, progress=False).row
    head, line = comparison_text([row]).splitlines()
    for title in ("robust loss", "clean loss", "robust accuracy", "clean accuracy"):
        assert title in head
    assert "final loss" not in head
    assert f"{row['final_clean_loss']:.4g}" in line
