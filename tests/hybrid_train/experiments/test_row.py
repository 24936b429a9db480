"""A row reads like the dict it was, and its document has the keys it always had."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from hybrid_train.experiments.row import Row
from hybrid_train.experiments.runs import compare, run
from hybrid_train.support.files import json_text

CONFIG: dict[str, Any] = {
    "data": {"kind": "sphere", "n": 6, "dim": 3},
    "network": {"width": 32},
    "training": {"steps": 2},
}
ATTACKED = CONFIG | {"training": {"steps": 2, "algorithm": "adversarial"}, "adversary": {"kind": "fgsm"}}
KEYS = [
    "finder",
    "index",
    "promise",
    "recall",
    "spurious",
    "initial_loss",
    "final_loss",
    "returned_step",
    "returned_loss",
    "accuracy",
    "accuracy_of",
    "fired_per_step",
    "fired_per_datum",
    "inner_products",
    "nodes_visited",
    "oracle_calls",
    "bit_oracle_uses",
    "verifications",
    "measurements",
    "controlled_calls",
    "structure_updates",
    "mid_measurements",
    "simulation",
    "finder_s",
    "wall_s",
    "learning_rate",
    "steps",
    "losses",
    "facts",
    "cost_per_step",
]
HELD_OUT = {"data": {"kind": "iris", "test": 0.2}, "network": {"width": 16}, "training": {"steps": 2}}
OUT = [
    "held_out_loss",
    "held_out_accuracy",
    "held_out_r2",
    "held_out_rows",
    "training_rows",
    "held_out_steps",
    "held_out_losses",
]
ROBUST = ["clean_losses", "final_clean_loss", "robust_accuracy"]


@pytest.mark.parametrize(
    ("tables", "more"), [(CONFIG, []), (ATTACKED, ROBUST), (HELD_OUT, OUT)], ids=["plain", "attacked", "held out"]
)
def test_a_row_reads_like_the_dict_of_its_document(tables: dict[str, Any], more: list[str]) -> None:
    result = run(tables)
    row = result.row
    assert isinstance(row, Mapping)
    assert list(row) == list(row.as_dict()) == KEYS + more
    assert dict(row) == row.as_dict() == result.document()["rows"][0]
    assert json.loads(json_text(row.as_dict())) == json.loads(json.dumps(row.as_dict()))
    assert row["final_loss"] == row.final_loss == result.losses[-1]
    assert row["inner_products"] == row.cost.inner_products > 0
    assert row.get("robust_accuracy", "none") == (row["robust_accuracy"] if more == ROBUST else "none")
    assert "error" not in row
    with pytest.raises(KeyError, match="error"):
        row["error"]


def test_a_row_is_a_record_that_nobody_changes() -> None:
    row = run(CONFIG).row
    with pytest.raises(FrozenInstanceError):
        row.final_loss = 0.0
    with pytest.raises(TypeError):
        row["final_loss"] = 0.0
    failed = replace(row, error="no")
    assert list(failed) == [*KEYS, "error"]
    assert failed != row == replace(row)


def test_a_run_that_fails_says_so_in_its_row() -> None:
    table = compare(CONFIG | {"training": {"steps": 50, "learning_rate": 1e6}}, ["scan"])
    (row,) = table.rows
    assert isinstance(row, Row)
    assert row.error is not None
    assert row["error"] == row.error
    assert row.final_loss is None
    assert table.errors == [f"scan (index neurons): {row.error}"]
