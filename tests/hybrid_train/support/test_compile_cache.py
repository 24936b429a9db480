"""Kept kernels: what a user finds after an update, a crash, on a read-only system, and with two processes at once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import hybrid_train

ROOT = Path(hybrid_train.__file__).parents[1]

INNER = """
from hybrid_train.support.kernels import kernel

@kernel
def step(x):
    return x + 1.0
"""
OUTER = """
from hybrid_train.support.kernels import dot, kernel
from inner import step

@kernel
def twice(x):
    return step(step(x))

@kernel
def square(p):
    return dot(p, p)
"""
ASK = """
import numpy, outer
print(outer.twice(1.0), outer.square(numpy.array([3.0])))
print(*(sum(kernel.stats.cache_hits.values()) for kernel in (outer.twice, outer.square)))
"""

DAMAGE = """
import importlib
import numpy, outer, inner

def tell():
    importlib.reload(inner), importlib.reload(outer)
    answers = outer.twice(1.0), outer.square(numpy.array([3.0]))
    print(*answers, *(sum(kernel.stats.cache_hits.values()) for kernel in (outer.twice, outer.square)))

def damaged(whole):
    for length in (0, 1, 31, 32, 33, 200, -1):
        for path, content in whole.items():
            open(path, "wb").write(content[:length])
        tell()
    for path, content in whole.items():
        open(path, "wb").write(content[:100] + b"?" + content[101:])
    tell()
    tell()
"""


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A folder with two files of kernels and a copy of the package they need."""
    for name in ("hybrid_train", "classical", "circuits"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "inner.py").write_text(INNER)
    (tmp_path / "outer.py").write_text(OUTER)
    return tmp_path


def started(house: Path, **environment: str) -> subprocess.Popen[str]:
    inherited = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    return subprocess.Popen(
        [sys.executable, "-c", ASK],
        cwd=house,
        env=inherited | {"PYTHONPATH": str(house), "PYTHONDONTWRITEBYTECODE": "1"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def asked(house: Path, **environment: str) -> tuple[str, str, str]:
    """Return (the answers, hits of the cache, standard error) of a fresh process."""
    process = started(house, **environment)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    answers, hits = out.splitlines()
    return answers, hits, err


def entries(house: Path) -> list[Path]:
    return sorted(house.rglob("*.nbc"))


def test_an_edit_of_a_kernel_that_another_file_calls_is_seen(house: Path) -> None:
    assert asked(house)[:2] == ("3.0 9.0", "0 0")
    assert asked(house)[:2] == ("3.0 9.0", "1 1")
    (house / "inner.py").write_text(INNER.replace("1.0", "2.0"))
    assert asked(house)[:2] == ("5.0 9.0", "0 1")
    door = house / "hybrid_train/support/kernels.py"
    door.write_text(door.read_text().replace("lane_dot(p, q, size) + tail", "lane_dot(p, q, size) + tail + 0.25"))
    assert asked(house)[:2] == ("5.0 9.25", "0 0")
    assert len(entries(house)) == 3  # twice, step, square: those of older sources are gone


def test_what_is_cut_short_or_damaged_is_compiled_again(house: Path) -> None:
    asked(house)
    whole = {path: path.read_bytes() for path in entries(house)}
    (house / "damage.py").write_text(DAMAGE)
    code = f"damaged({ {str(path): content for path, content in whole.items()}!r})"
    (house / "harm.py").write_text(f"from damage import damaged\n{code}\n")
    done = subprocess.run(
        [sys.executable, "harm.py"],
        cwd=house,
        env=os.environ | {"PYTHONPATH": str(house), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["3.0 9.0 0 0"] * 8 + ["3.0 9.0 1 1"]


def test_two_processes_that_compile_at_once_both_end_well(house: Path) -> None:
    both = [started(house), started(house)]
    found = [process.communicate(timeout=120) for process in both]
    assert [out.splitlines()[0] for out, _ in found] == ["3.0 9.0"] * 2
    assert [err for _, err in found] == ["", ""]
    assert asked(house)[1] == "1 1"
    assert not list(house.rglob("*.tmp"))


def test_where_nothing_can_be_written_kernels_are_compiled_in_memory_and_that_is_said_once(house: Path) -> None:
    blocked = house / "a-file"
    blocked.write_text("")
    for _ in range(2):
        answers, hits, err = asked(house, NUMBA_CACHE_DIR=str(blocked / "below"))
        assert (answers, hits) == ("3.0 9.0", "0 0")
        assert err.count("\n") == 1
        assert "NUMBA_CACHE_DIR" in err
    assert entries(house) == []


def test_without_a_place_beside_the_sources_the_home_folder_serves(house: Path) -> None:
    for folder in {path.parent for path in house.rglob("*.py")}:
        (folder / "__pycache__").write_text("a file, so that no folder can be made")
    home = house / "home"
    for hits in ("0 0", "1 1"):
        assert asked(house, HOME=str(home), XDG_CACHE_HOME="") == ("3.0 9.0", hits, "")
    assert all(path.is_relative_to(home) for path in entries(house))
    assert entries(house)


def test_bounds_checks_have_entries_of_their_own(house: Path) -> None:
    asked(house)
    before = set(entries(house))
    assert asked(house, NUMBA_BOUNDSCHECK="1")[1] == "0 0"
    assert before < set(entries(house))
    assert asked(house)[1] == "1 1"
