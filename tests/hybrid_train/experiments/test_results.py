from __future__ import annotations

import errno
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_train.config import load_config
from hybrid_train.errors import CheckpointError, ConfigError
from hybrid_train.experiments.results import RunDirectory, read_checkpoint, read_metrics, read_run
from hybrid_train.network import TwoLayerNetwork
from hybrid_train.support.files import json_text
from hybrid_train.support.rng import Role, generator

CONFIG = load_config({"data": {"kind": "sphere", "n": 4, "dim": 3}, "run": {"seed": 7}})
RECORDS = [{"step": step, "loss": 1.0 / (step + 1), "cost": {"inner_products": step}} for step in range(4)]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    directory = RunDirectory(tmp_path / "a" / "b", CONFIG)
    for record in RECORDS:
        directory.append(record)
    return directory.path


def test_a_run_reads_back(written: Path) -> None:
    stored = read_run(written)
    assert stored.config == CONFIG
    assert stored.metrics == RECORDS
    assert stored.summary is None
    assert stored.checkpoints == {}


def test_the_environment_names_versions_seeds_and_command(written: Path) -> None:
    environment = read_run(written).environment
    assert environment["versions"]["numpy"] == np.__version__
    assert environment["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert environment["command"] == sys.argv
    seeds = environment["seeds"]
    drawn = np.random.default_rng(
        np.random.SeedSequence(seeds["root"], spawn_key=tuple(seeds["spawn_keys"]["weights"]))
    ).standard_normal(3)
    assert np.array_equal(drawn, generator(7, Role.WEIGHTS).standard_normal(3))


def test_a_line_is_on_disk_as_soon_as_it_is_appended(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path, CONFIG)
    for count, record in enumerate(RECORDS, start=1):
        directory.append(record)
        assert (tmp_path / "metrics.jsonl").read_text(encoding="utf-8").count("\n") == count


@given(cut=st.integers(0, 200))
def test_a_line_torn_anywhere_is_forgiven_if_it_is_the_last(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    whole = "".join(json.dumps(record) + "\n" for record in RECORDS)
    path = tmp_path_factory.mktemp("torn") / "metrics.jsonl"
    path.write_text(whole[:cut], encoding="utf-8")
    records = read_metrics(path)
    assert records == RECORDS[: len(records)]
    assert len(records) - whole[:cut].count("\n") in {0, 1}


@pytest.mark.parametrize("damage", ['{"step": 1, "lo', "", "17", "\x00\x00"])
def test_a_damaged_line_in_the_middle_is_refused_by_number(written: Path, damage: str) -> None:
    path = written / "metrics.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([lines[0], damage, *lines[2:]]) + "\n", encoding="utf-8")
    with pytest.raises(CheckpointError, match="line 2 is damaged"):
        read_run(written)


@pytest.mark.parametrize("end", ["", "\n", '\n{"step": 9, "lo'])
def test_a_damaged_line_before_the_last_is_refused(written: Path, end: str) -> None:
    path = written / "metrics.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([*lines[:2], "17", lines[3]]) + end, encoding="utf-8")
    with pytest.raises(CheckpointError, match="line 3 is damaged"):
        read_metrics(path)


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(tmp_path: Path) -> None:
    directory, network = RunDirectory(tmp_path, CONFIG), TwoLayerNetwork.initialize(6, 3, seed=1)
    path = directory.checkpoint(1, network)
    before = path.read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(np, "savez", full_disk)
        with pytest.raises(CheckpointError, match=r"step-000001\.npz: cannot be written: No space left"):
            directory.checkpoint(1, network)
    assert [file.read_bytes() for file in path.parent.iterdir()] == [before]


def full_disk(file: Any, **arrays: Any) -> None:
    file.write(b"half")
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_checkpoint_reads_back_to_the_last_bit(tmp_path: Path) -> None:
    network = TwoLayerNetwork.initialize(6, 3, outputs=2, seed=1)
    directory = RunDirectory(tmp_path, CONFIG)
    path = directory.checkpoint(12, network)
    assert read_run(tmp_path).checkpoints == {12: path}
    assert path.name == "step-000012.npz"
    arrays = read_checkpoint(path)
    assert np.array_equal(arrays["weights"], network.weights[:])
    assert np.array_equal(arrays["output_weights"], network.output_weights)
    assert (arrays["threshold"], arrays["step"]) == (network.threshold, 12)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_checkpoint_is_never_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "step-000001.npz"
    np.savez(path, step=1, weights=np.array([object()]), output_weights=1, threshold=1)
    with pytest.raises(CheckpointError, match="not a readable checkpoint"):
        read_checkpoint(path)


@pytest.mark.parametrize("size", [0, 10, 300])
def test_a_damaged_checkpoint_is_named(tmp_path: Path, size: int) -> None:
    path = RunDirectory(tmp_path, CONFIG).checkpoint(1, TwoLayerNetwork.initialize(6, 3, seed=1))
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(CheckpointError, match=r"step-000001\.npz: not a readable checkpoint"):
        read_checkpoint(path)


def test_results_are_never_written_over(written: Path) -> None:
    with pytest.raises(ConfigError, match="already holds results; name another directory"):
        RunDirectory(written, CONFIG)
    assert read_run(written).metrics == RECORDS


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match="is a file; name a directory"):
        RunDirectory(tmp_path / "x", CONFIG)
    with pytest.raises(CheckpointError, match="cannot be written"):
        RunDirectory(tmp_path / "x" / "y", CONFIG)


def test_what_is_no_run_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"holds no run \(config.toml is missing\)"):
        read_run(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_damaged_summary_is_named(written: Path, text: str) -> None:
    (written / "summary.json").write_text(text, encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"summary\.json: not "):
        read_run(written)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (float("nan"), "null"),
        (np.float64("inf"), "null"),
        ([np.int64(3), np.float32(0.5), (1, 2)], "[3, 0.5, [1, 2]]"),
        ({"a": np.array([1.0, np.nan])}, '{"a": [1.0, null]}'),
        (np.bool_(True), "true"),
        ("é", '"é"'),
    ],
)
def test_json_is_plain(value: Any, text: str) -> None:
    assert json_text(value) == text
