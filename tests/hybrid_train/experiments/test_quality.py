"""Every number of a run says how good it is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hybrid_train import compare
from hybrid_train.experiments.quality import number_paths
from hybrid_train.experiments.table import columns_quality

SPHERE = {"kind": "sphere", "n": 6, "dim": 3}
GROVER = {"kind": "grover", "engine": "closed_form"}
SAYS_NO_MORE = {"config", "versions", "quality", "notes"}


def compared(training: dict[str, Any]) -> Any:
    config = {"data": SPHERE, "network": {"width": 32}, "training": {"steps": 2} | training, "finder": GROVER}
    return json.loads(json.dumps(compare(config, ["scan", "grover"]).document()))


@pytest.mark.parametrize("training", [{}, {"algorithm": "sgd", "batch_size": 2}])
def test_every_number_has_a_flag(training: dict[str, Any]) -> None:
    document = compared(training)
    part = {key: value for key, value in document.items() if key not in SAYS_NO_MORE}
    assert [path for path in number_paths(part) if path not in document["quality"]] == []
    part["new"] = 1
    assert [path for path in number_paths(part) if path not in document["quality"]] == ["new"]


def test_what_is_drawn_or_seen_in_part_is_sampled() -> None:
    whole, batch = (compared(training)["quality"] for training in ({}, {"algorithm": "sgd", "batch_size": 2}))
    assert whole["rows[].oracle_calls"] == whole["rows[].wall_s"] == batch["rows[].losses"] == "sampled"
    assert whole["rows[].losses"] == whole["rows[].inner_products"] == batch["rows[].final_loss"] == "exact"
    assert (whole["fired.expected"], whole["fired.bound"], whole["fired.width"]) == ("expected", "bound", "given")


def test_columns_of_the_table_say_it_in_a_line() -> None:
    document = compared({})
    text = columns_quality(document["rows"], document["quality"])
    assert text.startswith("exact: recall, final loss")
    assert text.endswith("sampled: oracle calls, verifications, time [s]")
