"""Networks whose weights are never stored, from a config to a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hybrid_train
from hybrid_train.errors import ConfigError
from hybrid_train.experiments.results import read_checkpoint, read_run

WIDE = {
    "data": {"kind": "sphere", "n": 6, "dim": 4},
    "network": {"width": 500, "storage": "seeded"},
    "training": {"steps": 5},
    "finder": {"kind": "skin"},
}


def test_a_run_is_that_of_its_network_stored(tmp_path: Path) -> None:
    result = hybrid_train.run(WIDE, out=tmp_path / "run")
    assert result.row["recall"] == 1
    assert result.row["final_loss"] < result.row["initial_loss"]
    assert result.row["facts"]["deviation"] < 1e-12
    kept = read_checkpoint(read_run(tmp_path / "run").checkpoints[5])
    weights = np.array(result.network.weights[:])
    assert np.array_equal(weights[kept["moved_rows"]], kept["moved_weights"])
    start = hybrid_train.TwoLayerNetwork.initialize(500, 4, storage="seeded", seed=0).weights[:]
    assert set(np.flatnonzero((weights != start).any(axis=1))) <= set(kept["moved_rows"])
    assert kept["output_weights"].dtype == np.int8


@pytest.mark.parametrize(
    ("section", "options", "message"),
    [
        ("finder", {"kind": "hsr"}, r"can only be followed by finder\.kind='skin'"),
        ("finder", {"kind": "skin", "gram": False}, r"can only be followed by finder\.kind='skin'"),
        ("training", {"algorithm": "sgd", "batch_size": 2}, r"training\.keep='random': expected 'last'"),
        ("training", {"algorithm": "adversarial"}, "examples do not stay"),
        ("network", {"storage": "seeded", "activation": "jump"}, "'stored' or 'live' for network.activation='jump'"),
    ],
)
def test_what_needs_stored_weights_is_refused(section: Any, options: Any, message: Any) -> None:
    with pytest.raises(ConfigError, match=message):
        hybrid_train.run(WIDE | {section: options})


def test_a_comparison_asks_each_finder() -> None:
    assert hybrid_train.compare(WIDE, ["skin"]).rows[0]["recall"] == 1
    with pytest.raises(ConfigError, match=r"finder\.kind='scan'"):
        hybrid_train.compare(WIDE, ["skin", "scan"])
