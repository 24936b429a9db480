"""``verify``: proofs of a run hold, and those that somebody edited do not."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from hybrid_train.cli import main
from hybrid_train.support.files import file_digest

CONFIG = """
[data]
kind = "sphere"
n = 5
dim = 3
[network]
width = 24
[training]
algorithm = "gd"
steps = 2
[finder]
kind = "scan"
[run]
proof = true
"""


@pytest.fixture(scope="module")
def proven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("proven")
    (folder / "config.toml").write_text(CONFIG)
    assert main(["run", str(folder / "config.toml"), "--out", str(folder / "run"), "--quiet"]) == 0
    return folder / "run"


def test_the_proofs_of_a_run_hold(proven: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(proven)]) == 0
    said = capsys.readouterr().out
    assert "3 answers" in said
    assert "pairs of every step" in said


@pytest.mark.parametrize("edit", ["proof", "proof and seal", "one less", "of another run"])
def test_edited_proofs_are_refused(proven: Path, tmp_path: Path, edit: str, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    shutil.copytree(proven, run)
    file, seals = run / "proofs/bank-0/000002.npz", run / "proofs/seals.txt"
    lines = seals.read_text().splitlines()
    if edit.startswith("proof"):
        record = dict(np.load(file))
        record["nearest"] = record["nearest"] + 1
        np.savez(file, **record)
    if edit == "proof and seal":
        lines[2] = f"{file_digest(file)[1]}  bank-0/000002.npz"
    if edit == "one less":
        lines.pop()
    if edit == "of another run":
        lines[0] = lines[0].replace("0", "1", 1)
    if edit != "proof":
        seals.write_text("\n".join(lines) + "\n")
    assert main(["verify", str(run)]) == 1
    assert str(run) in capsys.readouterr().err


def test_a_run_without_proofs_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config.toml").write_text(CONFIG.replace("proof = true", "proof = false"))
    assert main(["run", str(tmp_path / "config.toml"), "--out", str(tmp_path / "run"), "--quiet"]) == 0
    assert main(["verify", str(tmp_path / "run")]) == 1
    assert "run.proof = true" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("finder.kind=lsh", "no proofs"),
        ("run.checkpoint=1", "remove it, or run.checkpoint"),
        ("network.storage=live", "writes W down"),
    ],
)
def test_what_cannot_be_proven_is_refused_at_once(
    tmp_path: Path, setting: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.toml").write_text(CONFIG)
    command = ["run", str(tmp_path / "config.toml"), "--out", str(tmp_path / "run"), "--set", setting]
    if "storage" in setting:
        command += ["--set", "finder.kind=skin"]
    assert main(command) == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_proofs_need_a_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config.toml").write_text(CONFIG)
    assert main(["run", str(tmp_path / "config.toml")]) == 2
    assert "--out" in capsys.readouterr().err
