"""A sample of what ``make fuzz`` reads, and proof that it would notice."""

from __future__ import annotations

import os
import shutil
import signal
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from hybrid_train.data.file import read_examples
from hybrid_train.errors import DataError
from tests.support import file_fuzzing
from tests.support.directory_mutations import mutated_directories, mutated_networks
from tests.support.file_fuzzing import FAULTS, verdicts
from tests.support.file_mutations import mutated_files
from tests.support.hostile_files import CONFIG, TABLE, hostile_files

pytestmark = pytest.mark.filterwarnings("ignore:Duplicate name", "ignore:.*fork", "ignore:Reading `.npy`")

STEP = 10


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_hostile_files_are_refused_in_little_time_and_memory(folder: Path) -> None:
    made, mutated = list(hostile_files(folder)), list(mutated_files(folder, 120, seed=5))
    assert len(made) > 600
    found = verdicts([*made[::STEP], *mutated])
    assert [one for one in found if one.kind in FAULTS] == []
    assert {one.kind for one in found} == {"refused", "taken"}
    assert not (folder / "was-unpickled").exists()


def test_changed_results_directories_and_networks_are_refused_or_say_the_same(folder: Path) -> None:
    paths = [*mutated_directories(folder, 30, seed=5), *mutated_networks(folder, 90, seed=5)]
    found = verdicts(paths)
    assert [one for one in found if one.kind in FAULTS] == []
    assert {one.kind for one in found} == {"refused", "taken"}


def test_a_directory_that_says_something_else_would_be_counted(folder: Path) -> None:
    next(mutated_directories(folder, 1, seed=5))
    shutil.copytree(folder / "whole-deep", folder / "run-plain-5-1")
    shutil.copytree(folder / "whole-deep", folder / "run-deep-5-1")
    found = verdicts([folder / "run-plain-5-1", folder / "run-deep-5-1"])
    assert [one.kind for one in found] == ["accepted", "taken"]


def test_valid_files_are_taken(folder: Path) -> None:
    (folder / "a.csv").write_text(TABLE)
    (folder / "a.toml").write_text(CONFIG)
    np.savez(folder / "a.npz", x=np.eye(4), y=[1, 0, 1, 0])
    assert [one.kind for one in verdicts(sorted(folder.iterdir()))] == ["taken"] * 3


def _foreign(path: Path) -> object:
    raise KeyError(path)


def _hoarding(path: Path) -> object:
    held = bytearray(file_fuzzing.ROOM * 3 // 4)
    raise DataError(str(len(held)))


def _out_of_memory(path: Path) -> object:
    return bytearray(file_fuzzing.ROOM + (64 << 20))


def _dying(path: Path) -> object:
    os.kill(os.getpid(), signal.SIGKILL)
    return path


def _asleep(path: Path) -> object:
    time.sleep(60)
    return None


@pytest.mark.parametrize(
    ("reader", "kind"),
    [(_foreign, "foreign"), (_hoarding, "memory"), (_out_of_memory, "foreign"), (_dying, "foreign"), (_asleep, "hang")],
)
def test_every_fault_of_a_reader_is_counted(
    folder: Path, monkeypatch: pytest.MonkeyPatch, reader: object, kind: str
) -> None:
    monkeypatch.setattr(file_fuzzing, "read_examples", reader)
    monkeypatch.setattr(file_fuzzing, "SILENCE", 1.0 if kind == "hang" else 30.0)
    (folder / "a.csv").write_text(TABLE)
    (folder / "b.toml").write_text(CONFIG)
    found = verdicts([folder / "a.csv", folder / "b.toml"])
    assert [one.kind for one in found] == [kind, "taken"], found


def test_what_is_taken_though_it_says_something_else_is_counted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "a.csv").write_text(TABLE)
    taken = read_examples(folder / "a.csv")
    monkeypatch.setattr(file_fuzzing, "read_examples", lambda path: taken)
    (folder / "b.csv").write_text(TABLE.replace("2.5", "2.75", 1))
    (folder / "c.csv").write_text(TABLE + "1,2\n")
    np.savez(folder / "d.npz", x=np.eye(4), y=[1, 0, 1, 0])
    with zipfile.ZipFile(folder / "e.npz", "w") as archive:
        archive.writestr("x.npy", b"")
    assert [one.kind for one in verdicts(sorted(folder.iterdir()))] == ["taken", *["accepted"] * 4]
