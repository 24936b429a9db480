"""Claims: a second process waits for the first, whatever becomes of it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from hybrid_train.support import claims
from hybrid_train.support.claims import Claims

HOLD = """
import sys, time
from pathlib import Path
from hybrid_train.support.claims import Claims
held = Claims()
assert not held.take(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(float(sys.argv[2]))
held.give(Path(sys.argv[1]))
time.sleep(60)
"""


def holding(path: Path, seconds: float) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path), str(seconds)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_second_waits_for_the_first_to_give_it_back(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "entry"
    mine = Claims()
    with holding(path, 0.3) as process:
        begun = time.monotonic()
        assert mine.take(path)
        assert 0.1 < time.monotonic() - begun < 20
        process.kill()
    mine.give(path)
    assert not Claims().take(path)


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "entry"
    with holding(path, 60) as process:
        process.kill()
        process.wait()
        assert not Claims().take(path)


def test_what_is_mine_is_not_waited_for_and_patience_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, mine = tmp_path / "entry", Claims()
    assert not mine.take(path)
    assert not mine.take(path)
    monkeypatch.setattr(claims, "_PATIENCE", 0.1)
    assert Claims().take(path)  # goes on all the same
    mine.give(path)
    mine.give(path)  # which is nothing


def test_where_nothing_can_be_written_nothing_is_claimed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert not Claims().take(tmp_path / "file" / "entry")
