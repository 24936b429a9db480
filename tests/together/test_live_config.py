"""Networks of which only the neurons that fire for some example are drawn, from a config to a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hybrid_train
from hybrid_train.errors import ConfigError, ResourceError, UnwrittenError
from hybrid_train.experiments.results import read_checkpoint, read_run
from hybrid_train.finder.live_bank import LiveBank
from hybrid_train.network import live
from hybrid_train.theory.check import check_theory

WIDE: dict[str, Any] = {
    "data": {"kind": "sphere", "n": 6, "dim": 4},
    "network": {"width": 4000, "storage": "live"},
    "training": {"steps": 5},
    "finder": {"kind": "skin"},
}


def test_a_run_draws_few_neurons_and_its_checkpoint_knows_of_the_others(tmp_path: Path) -> None:
    result = hybrid_train.run(WIDE, out=tmp_path / "run")
    assert result.row["recall"] == 1
    assert result.row["final_loss"] < result.row["initial_loss"]
    assert result.network.nominal_width == 4000 > 3 * result.network.width
    again = read_checkpoint(read_run(tmp_path / "run").checkpoints[5])["network"]
    assert again.weights[:].tobytes() == result.network.weights[:].tobytes()
    assert again.live.width == 4000


def test_neurons_that_are_not_held_train_alike_and_ask_for_what_they_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sgd = {"algorithm": "sgd", "batch_size": 2, "steps": 8, "learning_rate": 0.5, "keep": "last"}
    configs = [WIDE, WIDE | {"training": sgd}]
    held = [hybrid_train.run(config) for config in configs]
    monkeypatch.setattr(live, "_HELD", 0)
    for number, (config, expected) in enumerate(zip(configs, held, strict=True)):
        result = hybrid_train.run(config, out=tmp_path / str(number))
        assert isinstance(result.network.weights, LiveBank)
        assert result.row["recall"] == 1
        assert result.losses == pytest.approx(expected.losses, rel=1e-9)
        again = read_checkpoint(read_run(tmp_path / str(number)).checkpoints[config["training"]["steps"]])["network"]
        assert np.array_equal(again.weights[:], result.network.weights[:])
    with pytest.raises(ConfigError, match=r"training\.keep='best': expected 'last'"):
        hybrid_train.run(WIDE | {"training": sgd | {"keep": "best"}})
    with pytest.raises(ConfigError, match=r"storage='live'.*take finder\.kind='skin'"):
        hybrid_train.run(WIDE | {"finder": {"kind": "scan"}})


def test_a_network_that_no_checkpoint_can_hold_is_refused_before_it_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_HELD", 0)
    monkeypatch.setattr("hybrid_train.network.storing._COPIES", 1e12)
    with pytest.raises(ResourceError, match=r"a checkpoint of \d+ neurons .*leave out --out"):
        hybrid_train.run(WIDE, out=tmp_path / "run")
    assert not (tmp_path / "run" / "metrics.jsonl").exists()
    assert hybrid_train.run(WIDE).row["recall"] == 1


def test_a_network_that_memory_no_longer_holds_at_the_end_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_HELD", 0)
    monkeypatch.setattr("hybrid_train.network.storing._COPIES", 1e12)
    monkeypatch.setattr("hybrid_train.experiments.attempt.check_storable", lambda network: None)
    with pytest.raises(UnwrittenError, match=r"a checkpoint of \d+ neurons") as caught:
        hybrid_train.run(WIDE, out=tmp_path / "run")
    assert caught.value.result.row["recall"] == 1
    assert len(read_run(tmp_path / "run").metrics) == 6


@pytest.mark.parametrize("index", ["neurons", "data"])
def test_every_finder_trains_the_same_network(index: Any) -> None:
    finders = ["scan", "hsr", "skin", "auto"] if index == "neurons" else ["scan", "skin"]
    table = hybrid_train.compare(WIDE, finders, indexes=[index])
    rows = table.rows
    assert any("for other inputs" in note for note in table.notes)
    assert all(row["recall"] == 1 for row in rows)
    assert np.allclose([row["final_loss"] for row in rows], rows[0]["final_loss"], rtol=1e-9)


@pytest.mark.parametrize(
    ("section", "options"),
    [
        ("network", {"width": 4000, "storage": "live", "start": "paired", "dtype": "float32"}),
        ("network", {"width": 4000, "storage": "live", "threshold": 0.0}),
        ("network", {"width": 4000, "storage": "live", "activation": "jump", "fraction": 0.01}),
        ("training", {"algorithm": "sgd", "batch_size": 2, "steps": 8, "learning_rate": 0.5, "keep": "best"}),
    ],
    ids=["paired", "half of them fire", "jump", "mini-batches"],
)
def test_it_goes_with(section: str, options: dict[str, Any]) -> None:
    row = hybrid_train.run(WIDE | {section: options}).row
    assert row["recall"] == 1
    assert row["returned_loss"] < row["initial_loss"]


@pytest.mark.parametrize(
    "options",
    [
        {"training": {"algorithm": "adversarial"}},
        {"data": {"kind": "even_polynomial", "dim": 4}, "training": {"algorithm": "sgd", "batch_size": 4}},
    ],
)
def test_examples_that_do_not_stay_are_refused(options: Any) -> None:
    with pytest.raises(
        ConfigError, match=r"network\.storage='live': expected 'stored', since the examples do not stay"
    ):
        hybrid_train.run(WIDE | options)


def test_theory_speaks_of_all_neurons() -> None:
    with pytest.raises(ConfigError, match=r"storage='live'.*all neurons"):
        check_theory(WIDE)
