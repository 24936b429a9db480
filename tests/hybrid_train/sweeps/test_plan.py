"""What is asked of a sweep: grids, seeds, and the name of a run."""

from __future__ import annotations

from typing import Any

import pytest

from hybrid_train.config import load_config
from hybrid_train.errors import ConfigError
from hybrid_train.sweeps.plan import identity_of, parse_grid, parse_seeds, planned

CONFIG: dict[str, Any] = {"data": {"kind": "sphere", "n": 6, "dim": 4}, "finder": {"kind": "scan"}}


def test_values_are_parted_at_commas_outside_brackets() -> None:
    assert parse_grid(["network.width=1,2", "data.classes=[3, 8],[1, 2]", "a.b='x,y',z"]) == {
        "network.width": ["1", "2"],
        "data.classes": ["[3, 8]", "[1, 2]"],
        "a.b": ["'x,y'", "z"],
    }


@pytest.mark.parametrize("text", ["network.width", "=1", "network.width=", "a.b=1,,2", "run.seed=1,2"])
def test_a_grid_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--grid"):
        parse_grid([text])


def test_seeds_are_ranges_and_lists() -> None:
    assert parse_seeds("0..3,7,2") == [0, 1, 2, 3, 7]
    for text in ("", "a", "3..1", "1..", "-1", "0..999999999"):
        with pytest.raises(ConfigError, match="seeds"):
            parse_seeds(text)


def test_a_run_is_known_by_config_and_seed_and_not_by_threads() -> None:
    base = load_config(CONFIG)
    assert identity_of(base) == identity_of(load_config(CONFIG, ["run.threads=1"]))
    others = {identity_of(load_config(CONFIG, [one])) for one in ("run.seed=1", "network.width=8", "data.n=5")}
    assert len(others | {identity_of(base)}) == 4


def test_all_that_is_wrong_is_said_before_anything_starts() -> None:
    with pytest.raises(ConfigError) as caught:
        planned(load_config(CONFIG), {"network.width": ["-1", "8", "x"]}, [0, 1])
    assert len(str(caught.value).split("\n")) == 2
    with pytest.raises(ConfigError, match="runs"):
        planned(load_config(CONFIG), {}, [])
