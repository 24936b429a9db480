"""Held-out data in runs: never trained on, scored, told in row, table, metrics, picture and progress line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import log_loss, r2_score

from hybrid_train.config import load_config
from hybrid_train.experiments.results import read_run
from hybrid_train.experiments.runs import compare, run
from hybrid_train.experiments.setting import Setting
from hybrid_train.experiments.table import comparison_text
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.support import progress

IRIS: dict[str, Any] = {
    "data": {"kind": "iris", "test": 0.2},
    "network": {"width": 64},
    "training": {"steps": 6, "loss": "cross_entropy"},
}
DIABETES: dict[str, Any] = {
    "data": {"kind": "diabetes", "test": 0.25},
    "network": {"width": 64},
    "training": {"steps": 5},
}


def test_the_score_is_that_of_the_network_returned_on_rows_it_never_saw(tmp_path: Path) -> None:
    result = run(IRIS, out=tmp_path / "out")
    setting = Setting.of(result.table.config)
    test, inputs = setting.held_out
    outputs = result.network.predict(inputs)
    shares = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
    row = result.row
    assert (row["held_out_rows"], row["training_rows"]) == (30, 120)
    assert row["held_out_accuracy"] == np.mean(outputs.argmax(axis=1) == test.targets)
    assert row["held_out_loss"] == pytest.approx(log_loss(test.targets, shares))
    assert row["held_out_r2"] is None
    assert row["held_out_steps"] == list(range(7))
    assert row["held_out_losses"][-1] == row["held_out_loss"]
    assert [line["held_out"]["loss"] for line in read_run(tmp_path / "out").metrics] == row["held_out_losses"]
    drawn = json.loads((tmp_path / "out" / "figures" / "loss.json").read_text(encoding="utf-8"))
    assert drawn["held_out"][0]["values"] == pytest.approx([120 * loss for loss in row["held_out_losses"]])


def test_holding_out_changes_nothing_of_the_training_on_the_other_rows() -> None:
    held_out, setting = run(IRIS), Setting.of(load_config(IRIS))
    network = setting.start(load_config(IRIS))
    assert isinstance(network, TwoLayerNetwork)
    assert held_out.losses[0] == setting.loss.value(network.predict(setting.inputs), setting.targets)
    assert not {row.tobytes() for row in setting.inputs} >= {row.tobytes() for row in setting.held_out[1]}


def test_real_targets_have_an_r2() -> None:
    result = run(DIABETES)
    test, inputs = Setting.of(result.table.config).held_out
    assert result.row["held_out_r2"] == pytest.approx(r2_score(test.targets, result.network.predict(inputs)[:, 0]))
    assert result.row["held_out_accuracy"] is None


def test_every_accuracy_of_the_table_says_of_what_it_is() -> None:
    text = comparison_text(compare(IRIS, ["scan", "empty"]).document()["rows"])
    for title in ("training accuracy", "held-out mean loss", "held-out accuracy"):
        assert title in text
    assert "held-out R^2" in comparison_text(run(DIABETES).document()["rows"])
    fresh = {"data": {"kind": "even_polynomial", "dim": 3, "targets": "signs", "held_out": 20}}
    row = run(fresh | {"network": {"width": 8}, "training": {"algorithm": "sgd", "steps": 2}}).row
    assert row["accuracy_of"] == "held-out data"
    assert "held-out accuracy" in comparison_text([row])


def test_under_an_adversary_held_out_rows_are_clean_ones() -> None:
    attack = {"training": {"steps": 2, "algorithm": "adversarial"}, "adversary": {"kind": "fgsm"}}
    row = run({"data": {"kind": "breast_cancer", "n": 30, "test": 0.1}, "network": {"width": 16}} | attack).row
    text = comparison_text([row])
    for title in ("training robust accuracy", "training clean accuracy", "held-out clean accuracy"):
        assert title in text
    jump = {"data": {"kind": "iris", "test": 0.1}, "network": {"width": 16, "activation": "jump", "fraction": 0.3}}
    result = run(jump | {"training": {"steps": 2}})
    setting = Setting.of(result.table.config)
    found = result.network.predict(setting.held_out[1]).argmax(axis=1)
    assert result.row["held_out_accuracy"] == np.mean(found == setting.held_out[0].targets)


def test_the_progress_line_tells_both(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    def watched(records: Any, total: int, label: str, *, told: Any = None, **_: Any) -> Any:
        for record in records:
            yield record
            seen.append(told())

    seen = told
    monkeypatch.setattr("hybrid_train.experiments.attempt.with_progress", watched)
    run(IRIS | {"training": {"steps": 1}})
    assert len(told) == 2
    assert told[0].startswith("loss ")
    assert "held-out loss" in told[1]
    assert "accuracy" in told[1]
    assert progress.with_progress is not watched


def test_a_second_file_is_held_out(tmp_path: Path) -> None:
    for name, lines in (("a.csv", ["1,2,no", "2,9,yes", "3,1,no", "4,8,yes"]), ("b.csv", ["1,1,no", "5,9,yes"])):
        (tmp_path / name).write_text("\n".join(["x,z,kind", *lines]), encoding="utf-8")
    config = tmp_path / "c.toml"
    config.write_text(
        '[data]\nkind = "file"\npath = "a.csv"\ntest = "b.csv"\n[network]\nwidth = 32\n', encoding="utf-8"
    )
    result = run(config)
    assert (result.row["held_out_rows"], result.row["training_rows"]) == (2, 4)
    assert any("columns are brought to mean 0" in note for note in result.table.notes)
