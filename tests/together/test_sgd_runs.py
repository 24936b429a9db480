"""Runs of SGD from a config: what is returned, on what it is judged, and what the finder hears."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hybrid_train.config import load_config
from hybrid_train.errors import ConfigError
from hybrid_train.experiments.assembly import make_training, planned_finders, planned_queries
from hybrid_train.experiments.judging import judge_of
from hybrid_train.experiments.results import read_checkpoint, read_run
from hybrid_train.experiments.runs import compare, run
from hybrid_train.experiments.setting import Setting
from hybrid_train.studies.count_along import count_along
from hybrid_train.support.files import json_text
from hybrid_train.support.rng import Role, generator

STEPS, M, SIZE = 6, 64, 4
TRAINING: dict[str, Any] = {"algorithm": "sgd", "batch_size": SIZE, "steps": STEPS}
DATA: dict[str, Any] = {"data": {"kind": "sphere", "n": 10, "dim": 4}, "network": {"width": M}, "training": TRAINING}
FRESH = DATA | {"data": {"kind": "even_polynomial", "dim": 4, "degree": 2, "held_out": 50}}
CHOSEN = int(generator(0, Role.CHOICE).integers(STEPS))


def with_training(tables: dict[str, Any], **options: Any) -> dict[str, Any]:
    return tables | {"training": TRAINING | options}


def loss_on(setting: Setting, weights: Any, network: Any) -> float:
    x, y = setting.dataset.inputs, setting.targets
    f = np.maximum(x @ weights.T - network.threshold, 0) @ network.output_weights / np.sqrt(M)
    return float(0.5 * ((f - y) ** 2).sum())


@pytest.mark.parametrize("tables", [DATA, FRESH], ids=["data", "fresh"])
@pytest.mark.parametrize(("keep", "step"), [("last", STEPS), ("random", CHOSEN), ("average", None), ("best", "least")])
def test_the_row_judges_the_network_that_is_returned(
    tables: dict[str, Any], keep: str, step: Any, tmp_path: Path
) -> None:
    result = run(with_training(tables, keep=keep), out=tmp_path / "r")
    row, setting = result.row, Setting.of(result.table.config)
    mean = 1 if tables is DATA else 50
    assert step == "least" or row["returned_step"] == step
    expected = loss_on(setting, result.network.weights[:], result.network) / mean
    assert row["returned_loss"] == pytest.approx(expected, rel=1e-12)
    assert row["final_loss"] == row["losses"][-1]
    if keep == "best":
        assert tables is FRESH or row["returned_loss"] <= row["final_loss"] * (1 + 1e-12)
        assert any("is the best W(t) by its loss over" in note for note in result.table.notes)
    else:
        assert (row["returned_loss"] == row["final_loss"]) == (keep == "last" and tables is DATA)
    stored = read_run(tmp_path / "r")
    assert stored.summary == json.loads(json_text(result.document()))
    (at,) = stored.checkpoints
    assert at == (STEPS if row["returned_step"] is None else row["returned_step"])
    assert np.array_equal(read_checkpoint(stored.checkpoints[at])["weights"], result.network.weights[:])
    assert run(tmp_path / "r" / "config.toml").losses == result.losses


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("rate", [20.0, 2.0])
def test_the_best_is_no_worse_than_any_other_step(seed: int, rate: float) -> None:
    tables = with_training(DATA, keep="best", learning_rate=rate) | {"run": {"seed": seed}}
    config = load_config(tables)
    setting = Setting.of(config)
    network = setting.start_two_layer(config)
    training = make_training(config, setting, network, planned_finders(config, setting))
    whole = [loss_on(setting, network.weights[:], network) for _ in training]
    assert training.kept_step == int(np.argmin(whole))
    assert run(tables).row["returned_loss"] == pytest.approx(min(whole), rel=1e-12)


def test_judging_is_charged_to_no_finder() -> None:
    best, last = (run(with_training(DATA, keep=keep)).row for keep in ("best", "last"))
    assert best["cost_per_step"] == last["cost_per_step"]


def test_heavy_looks_are_taken_once_an_epoch() -> None:
    config = load_config(with_training(DATA, keep="best"))
    setting = Setting.of(config)
    assert judge_of(lambda: 0.0, config, setting, 10).every == 1
    assert judge_of(lambda: 0.0, config, setting, 10, looks=10**9).every == 3
    assert judge_of(lambda: 0.0, config, setting, 10, looks=2**28 // (10 * M * 4) + 1).every == 2


def test_sgd_returns_a_random_step_by_itself_and_says_so() -> None:
    result = run(FRESH)
    assert result.row["returned_step"] == CHOSEN
    assert any("training.keep='last'" in note for note in result.table.notes)
    assert any("M=" in note and "R=1 " in note for note in result.table.notes)
    assert not any("separation" in note for note in result.table.notes)
    notes = run(with_training(DATA, keep="last")).table.notes
    assert any(note.startswith("the inputs are R-bounded by R=") for note in notes)
    assert not any("training.keep" in note for note in notes)


def test_accuracy_is_that_of_the_network_returned() -> None:
    result = run(DATA)
    setting = Setting.of(result.table.config)
    signs = result.network.predict(setting.dataset.inputs)[:, 0] > 0
    assert result.row["accuracy"] == np.mean(signs == (setting.dataset.targets > 0))
    fresh = FRESH | {"data": FRESH["data"] | {"targets": "signs"}}
    result = run(with_training(fresh, loss="logistic"))
    setting = Setting.of(result.table.config)
    signs = result.network.predict(setting.dataset.inputs)[:, 0] > 0
    assert result.row["accuracy"] == np.mean(signs == (setting.dataset.targets > 0))


@pytest.mark.parametrize(("tables", "indexes"), [(DATA, ["neurons", "data"]), (FRESH, ["neurons"])])
def test_every_finder_and_index_trains_the_same_network(tables: dict[str, Any], indexes: list[Any]) -> None:
    tables = tables | {"finders": {"grover": {"engine": "closed_form"}}}
    rows = compare(tables, ["scan", "hsr", "skin", "grover"], indexes=indexes).rows
    assert not [row["error"] for row in rows if "error" in row]
    assert {row["recall"] for row in rows} == {1.0}
    for row in rows:
        assert row["losses"] == pytest.approx(rows[0]["losses"], rel=1e-9)
        assert row["fired_per_step"] == pytest.approx(rows[0]["fired_per_step"])


def test_pairs_are_counted_where_they_were_looked_at() -> None:
    setting, config = Setting.of(load_config(DATA)), load_config(DATA)
    training = make_training(config, setting, setting.start(config), planned_finders(config, setting))
    pairs = [int(record.fired_per_datum.sum()) for record in training]
    assert run(DATA).row["fired_per_step"] == pytest.approx(np.mean(pairs))


def test_fresh_examples_cannot_be_compared_by_indexing_data() -> None:
    with pytest.raises(ConfigError, match=r"training.index='data': expected 'neurons'"):
        compare(FRESH, ["scan"], indexes=["neurons", "data"])


@pytest.mark.parametrize(
    ("tables", "queries"),
    [
        (with_training(DATA, batch_size=5), 5 * STEPS + 10),
        (with_training(DATA, index="data"), M * (STEPS + 1)),
        (FRESH | {"finder": {"kind": "scan"}}, SIZE * (STEPS + 1)),
        (DATA | {"training": {"steps": STEPS}}, 10 * (STEPS + 1)),
    ],
)
def test_the_queries_of_a_run_are_known_in_advance(tables: dict[str, Any], queries: int) -> None:
    config = load_config(tables)
    setting = Setting.of(config)
    assert planned_queries(config, setting) == queries
    asked = []
    finders = planned_finders(config, setting)

    def watched(layer: int) -> Any:
        finder = finders(layer)
        find = finder.find

        def counting(rows: Any = None) -> Any:
            sets = find(rows)
            asked.append(len(sets.by_query().rows) if rows is not None else sets.shape[0])
            return sets

        finder.find = counting  # type: ignore[method-assign]
        return finder

    list(make_training(config, setting, setting.start(config), watched))
    assert sum(asked) <= queries
    assert config.training.index == "data" or sum(asked) == queries


def test_a_batch_of_more_than_a_file_holds_is_refused_when_it_is_known(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b,y\n1,2,1\n2,1,-1\n1,1,1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"training.batch_size=4: expected 1 to 3"):
        run(DATA | {"data": {"kind": "file", "path": str(tmp_path / "x.csv")}})


@pytest.mark.parametrize("tables", [DATA, FRESH], ids=["data", "fresh"])
def test_oracle_calls_are_counted_along_sgd(tables: dict[str, Any]) -> None:
    counted = count_along(tables, ["bbht", "warm"])
    assert {row["step"] for row in counted.rows} == set(range(STEPS + 1))
    assert all(total["oracle_calls"] > 0 for total in counted.totals)
