"""A result is written once: the first wins, a second must say the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from hybrid_train.errors import CheckpointError, InvariantError
from hybrid_train.sweeps.store import Store


def test_the_first_wins_and_another_second_is_an_error(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs")
    assert store.get("a") is None
    assert store.put({"id": "a", "loss": 0.1}, {"s": 1.0})
    assert not store.put({"id": "a", "loss": 0.1}, {"s": 2.0})
    with pytest.raises(InvariantError, match="another result"):
        store.put({"id": "a", "loss": 0.1 + 1e-16 * 2}, {"s": 1.0})
    found = store.get("a")
    assert found is not None
    assert (found["result"], found["clock"]) == ({"id": "a", "loss": 0.1}, {"s": 1.0})
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["a.json"]


def test_what_was_left_half_written_goes_and_what_is_damaged_is_refused(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "a.12345678.partial").write_text("{")
    store = Store(tmp_path / "runs")
    assert list((tmp_path / "runs").iterdir()) == []
    store.put({"id": "a", "loss": 0.5}, {})
    path = tmp_path / "runs" / "a.json"
    path.write_text(path.read_text().replace("0.5", "0.6"))
    with pytest.raises(CheckpointError, match=r"a\.json: not what was written"):
        store.get("a")
    path.write_text("{")
    with pytest.raises(CheckpointError, match="damaged"):
        store.get("a")
    path.unlink()
    store.put({"id": "a", "loss": 0.5}, {})
    path.write_text(path.read_text().replace('"clock": {}', '"clock": 3'))
    with pytest.raises(CheckpointError, match=r"a\.json: not what was written"):
        store.get("a")
