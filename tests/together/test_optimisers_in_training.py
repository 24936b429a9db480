"""Momentum, Adam and decay under any finder: sets stay exact, whoever searches, whichever bank."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hybrid_train import compare, load_config, run
from hybrid_train.errors import ConfigError
from hybrid_train.experiments.setting import Setting
from hybrid_train.network.two_layer import TwoLayerNetwork

BASE: dict[str, Any] = {"data": {"kind": "iris", "n": 60, "test": 0.2}, "network": {"width": 64, "fraction": 0.2}}


def training(**options: Any) -> dict[str, Any]:
    return BASE | {"training": {"steps": 8, "loss": "cross_entropy"} | options}


@pytest.mark.parametrize(
    "options",
    [
        {"optimiser": "adam", "schedule": "cosine"},
        {"optimiser": "adam", "weight_decay": 0.5},
        {"optimiser": "momentum", "momentum": 0.8, "weight_decay": 0.1},
        {"weight_decay": 0.2, "schedule": "linear"},
        {"optimiser": "adam", "algorithm": "sgd", "batch_size": 16, "keep": "last"},
    ],
)
def test_sets_stay_exact_under_every_finder_and_index(options: dict[str, Any]) -> None:
    table = compare(training(**options), ["scan", "hsr", "skin"], indexes=["neurons", "data"])
    assert table.errors == []
    assert [row["recall"] for row in table.rows] == [1.0] * 6
    assert [row["spurious"] for row in table.rows] == [0] * 6
    for row in table.rows[1:]:
        assert np.allclose(row["losses"], table.rows[0]["losses"], rtol=1e-9)


def test_grover_finds_what_momentum_moved() -> None:
    grover = {"kind": "grover", "engine": "closed_form", "delta": 1e-9}
    config = training(steps=3, optimiser="adam") | {"finder": grover}
    assert run(config).row["recall"] == 1.0


def test_adam_learns_faster_than_descent_and_momentum_without_memory_is_descent() -> None:
    plain, adam = run(training(steps=30)), run(training(steps=30, optimiser="adam", schedule="cosine"))
    assert adam.row.final_loss is not None
    assert plain.row.final_loss is not None
    assert adam.row.final_loss < 0.8 * plain.row.final_loss
    without = run(training(optimiser="momentum", momentum=0.0))
    assert np.allclose(without.losses, run(training()).losses, rtol=1e-10)


def test_a_share_of_the_neurons_fires_on_the_data_at_the_start() -> None:
    wide = BASE | {"network": {"width": 20000, "fraction": 0.07}, "training": {"steps": 0}}
    setting = Setting.of(load_config(wide))
    network = setting.start(load_config(wide))
    assert isinstance(network, TwoLayerNetwork)
    fired = (setting.inputs @ network.weights[:].T > network.threshold).mean()
    # The standard deviation of the mean is at most 0.0018: this fails by chance with a probability below 1e-9.
    assert abs(fired - 0.07) < 0.011


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"network": {"kind": "deep"}, "training": {"optimiser": "adam"}}, "is for network.kind='two_layer'"),
        ({"network": {"kind": "deep"}, "training": {"weight_decay": 0.1}}, "training.weight_decay=0.1: remove it"),
        (
            {"network": {"storage": "seeded"}, "finder": {"kind": "skin"}, "training": {"optimiser": "momentum"}},
            "is for network.storage='stored'",
        ),
        ({"network": {"width": 8}, "training": {"momentum": 0.5}}, "momentum=0.5: remove it"),
        ({"network": {"fraction": 0.1, "threshold": 1.0}}, "threshold=1.0: remove it or fraction"),
    ],
)
def test_what_does_not_go_together_is_told(tables: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config({"data": BASE["data"]} | tables)
