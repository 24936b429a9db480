"""Every example is a valid config and trains; shortened here, whole by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

import hybrid_train

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.toml"))

SHORTER = {
    "grover": ["network.width=16", "training.steps=2"],
    "hsr": ["training.steps=2"],
    "skin": ["training.steps=2"],
    "scan": ["training.steps=2"],
    "arithmetic_oracle": ["network.width=8", "data.n=2", "training.steps=2"],
    "sgd_two_spirals": ["training.steps=200"],
    "random_features": ["network.width=256", "training.steps=20"],
    "theory_applies": ["network.width=4096", "training.steps=2"],
    "deep_digits": ["data.n=32", "training.steps=20"],
    "residual_digits": ["data.n=32", "training.steps=5"],
    "convolutional_digits": ["data.n=32", "training.steps=5"],
}
"""Overrides by file, else by finder."""


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_example_trains_and_finds_everything(path: Path) -> None:
    whole = hybrid_train.load_config(path)
    config = hybrid_train.load_config(path, SHORTER.get(path.stem, SHORTER[whole.finder.kind]))
    row = hybrid_train.run(config).row
    assert row["recall"] == 1
    assert row["spurious"] == 0
    assert row["final_loss"] < row["initial_loss"]


def test_there_is_one_for_each_algorithm() -> None:
    configs = [hybrid_train.load_config(path) for path in EXAMPLES]
    plain = [config for config in configs if config.training.algorithm != "adversarial"]
    assert {(config.finder.kind, config.training.index) for config in plain} >= {
        (kind, index) for kind in ("hsr", "grover") for index in ("neurons", "data")
    }
