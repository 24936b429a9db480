"""Every example is a valid config and trains; shortened here, whole by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

import hybrid_train

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.toml"))

SHORTER = {"grover": ["network.width=16"], "hsr": ["training.steps=2"]}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_example_trains_and_finds_everything(path: Path) -> None:
    whole = hybrid_train.load_config(path)
    config = hybrid_train.load_config(path, ["training.steps=2", *SHORTER[whole.finder.kind]])
    row = hybrid_train.run(config).row
    assert row["recall"] == 1
    assert row["spurious"] == 0
    assert row["final_loss"] < row["initial_loss"]


def test_there_is_one_for_each_algorithm() -> None:
    configs = [hybrid_train.load_config(path) for path in EXAMPLES]
    assert {(config.finder.kind, config.training.index) for config in configs} == {
        (kind, index) for kind in ("hsr", "grover") for index in ("neurons", "data")
    }
