from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hybrid_train.config import Config, load_config
from hybrid_train.config.data_kinds import DATA_KINDS, FileConfig
from hybrid_train.config.schema import NETWORK_KINDS, AdversaryConfig, RunConfig, TrainingConfig
from hybrid_train.errors import ConfigError

SPHERE: dict[str, Any] = {"data": {"kind": "sphere", "n": 64, "dim": 3}}
PGD = SPHERE | {"training": {"algorithm": "adversarial"}, "adversary": {"kind": "pgd", "steps": 3, "rho": 0.2}}
DEEP = SPHERE | {"network": {"kind": "deep", "widths": [8, 8], "share": 0.3, "calibrate": False}}
JUMP = SPHERE | {"network": {"activation": "jump", "tau": 0.1}}
FRESH = {"data": {"kind": "even_polynomial", "dim": 3, "held_out": 9}, "training": {"algorithm": "sgd"}}


@pytest.mark.parametrize(
    ("tables", "override", "aside"),
    [
        (PGD, "adversary.kind=fgsm", ["adversary.steps"]),
        (PGD, "training.algorithm=gd", ["[adversary]"]),
        (DEEP, "network.threshold=0", ["network.share", "network.calibrate"]),
        (DEEP, "network.width=16", ["network.widths"]),
        (DEEP, "network.kind=residual", ["network.widths"]),
        (JUMP, "network.activation=relu", ["network.tau"]),
        (JUMP, "network.fraction=0.1", ["network.tau"]),
        (SPHERE | {"network": {"start": "paired"}}, "network.activation=jump", ["network.start"]),
        (SPHERE | {"training": {"loss": "huber", "huber_delta": 1.0}}, "training.loss=squared", ["huber_delta"]),
        (SPHERE | {"training": {"algorithm": "sgd", "batch_size": 4}}, "training.algorithm=gd", ["batch_size"]),
        (FRESH, "data.n=64", ["data.held_out"]),
        (SPHERE | {"finder": {"kind": "hsr", "leaf_size": 8}}, "finder.kind=scan", ["finder.leaf_size"]),
        (SPHERE, "data.kind=digits", ["data.dim"]),
        (SPHERE, "training.steps=3", []),
        (PGD, "adversary.kind=pgd", []),
    ],
)
def test_a_new_choice_puts_aside_what_belongs_to_the_old_one_and_says_so(
    tables: dict[str, Any], override: str, aside: list[str]
) -> None:
    told = " ".join(load_config(tables, [override]).notes)
    assert bool(told) == bool(aside)
    assert all(name in told for name in aside), told
    assert not aside or override.split("=", maxsplit=1)[0] in told


def test_what_an_override_names_itself_is_not_put_aside() -> None:
    with pytest.raises(ConfigError, match=r"adversary.steps=2: remove it, it belongs to kind='pgd'"):
        load_config(PGD, ["adversary.steps=2", "adversary.kind=fgsm"])


def test_a_key_of_another_kind_names_the_kinds() -> None:
    with pytest.raises(ConfigError, match=r"data.dim=3: unknown key for data.kind='digits', it belongs to kind 'sphe"):
        load_config({"data": {"kind": "digits"}}, ["data.dim=3"])


@pytest.mark.parametrize("value", ["[" * 5000, "9" * 5000])
def test_a_value_that_no_parser_takes_is_text(value: str) -> None:
    with pytest.raises(ConfigError, match=r"run.seed='.*: expected a whole number"):
        load_config(SPHERE, [f"run.seed={value}"])


@pytest.mark.parametrize("model", [*DATA_KINDS.values(), *NETWORK_KINDS.values(), TrainingConfig, RunConfig])
@pytest.mark.parametrize("value", [10**120, 1e308, -1e308, float("nan"), float("-inf")])
def test_no_number_is_too_large_to_compute_with(model: Any, value: float) -> None:
    required = {"kind": "x", "n": 3, "dim": 3, "path": "x.csv", "grid": [3, 3]}
    for key in {*model.model_fields} - {"target"}:
        given = {name: item for name, item in required.items() if name in model.model_fields}
        if "kind" in given:
            given["kind"] = model.model_fields["kind"].annotation.__args__[0]
        with pytest.raises(ValueError, match=key):
            model(**given | {key: value})


def test_the_adversary_has_bounds_too() -> None:
    for key in ("rho", "steps", "step_size", "restarts"):
        with pytest.raises(ValueError, match=key):
            AdversaryConfig(**{key: 1e308})


def test_what_python_has_beside_toml_is_taken() -> None:
    tables = {
        "data": {"kind": "file", "path": Path("x.csv"), "n": np.int64(64)},
        "network": {"threshold": np.float64(0.5), "width": np.uint8(6)},
        "training": {"algorithm": "sgd", "replacement": np.bool_(True)},
    }
    config = load_config(tables)
    assert isinstance(config.data, FileConfig)
    assert (config.data.n, config.network.threshold, config.training.replacement) == (64, 0.5, True)
    assert type(config.data.n) is int
    assert load_config({"data": {"kind": "digits", "classes": (1, 2)}}) == load_config(
        {"data": {"kind": "digits", "classes": np.array([1, 2])}}
    )
    with pytest.raises(ConfigError, match="expected a whole number"):
        load_config(SPHERE | {"run": {"seed": np.bool_(True)}})


@pytest.mark.parametrize(
    "flood",
    [
        {"data": SPHERE["data"] | {f"k{i}": 1 for i in range(200_000)}},
        SPHERE | {f"k{i}": 1 for i in range(200_000)},
        SPHERE | {"finders": {f"k{i}": {} for i in range(200_000)}},
    ],
)
def test_a_flood_of_errors_is_cut_and_soon_told(flood: dict[str, Any]) -> None:
    start = time.perf_counter()
    with pytest.raises(ConfigError) as caught:
        load_config(flood)
    lines = str(caught.value).splitlines()
    assert len(lines) == 21
    assert lines[-1] == "and 199980 more errors"
    assert time.perf_counter() - start < 10


FORGED = "x\nhybrid-train: error: \x1b[31mfine\u202e"


@pytest.mark.parametrize(
    "tables",
    [
        {"data": SPHERE["data"] | {FORGED: 1}},
        SPHERE | {FORGED: 1},
        SPHERE | {"finders": {FORGED: {}}},
        SPHERE | {"finders": {"scan": {FORGED: 1}}},
        SPHERE | {"finder": {"kind": FORGED}},
        SPHERE | {"finder": {FORGED: 1}},
        SPHERE | {"training": {"loss": FORGED}},
        SPHERE | {"run": {FORGED: FORGED}},
        {"data": {"kind": FORGED}},
    ],
)
def test_no_key_or_value_forges_a_line(tables: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(tables)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[data]\nkind = "file"\npath = "C:\\Users\\x.csv"\n', "single quotes"),
        ("a = " + "[" * 5000, "nested too deeply"),
        ("a = " + "9" * 5000, "not valid TOML"),
        ("[data]\nkind = 'sphere'\ndim = 3\nn = 0x" + "f" * 5000, "data.n=<int>: expected a number of at most"),
        ("x" * (1 << 20) + "=1", r"1 MiB is too large; at most 1 MiB is read"),
    ],
)
def test_an_odd_file_is_one_clear_error(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        load_config(path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_marked_file_is_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.toml"
    path.write_text('[data]\nkind = "digits"\n', encoding=encoding)
    assert isinstance(load_config(path), Config)
