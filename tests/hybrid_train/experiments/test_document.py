"""Results directories: what was worked out is on disk and handed back, whatever becomes of its pictures."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from hybrid_train.cli import main
from hybrid_train.errors import CheckpointError
from hybrid_train.experiments.document import write_document
from hybrid_train.experiments.results import read_checkpoint, read_run
from hybrid_train.experiments.runs import compare, run
from hybrid_train.report.figures import save_figure

CONFIG: dict[str, Any] = {
    "data": {"kind": "sphere", "n": 6, "dim": 3},
    "network": {"width": 32},
    "training": {"steps": 2},
}
ERRORS = [OSError(errno.ENOSPC, "No space left on device"), ValueError("a font\nis missing"), MemoryError()]


def failing(error: Exception) -> Any:
    def savefig(figure: Figure, path: Any, **options: Any) -> None:
        Path(path).write_bytes(b"half a picture")
        raise error

    return savefig


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_a_picture_that_cannot_be_drawn_is_a_note(error: Exception, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(Figure, "savefig", failing(error))
    result = run(CONFIG, out=tmp_path / "r")
    assert result.table.figures == ()
    assert [note for note in result.table.notes if note.startswith("pictures could not be drawn: ")]
    stored = read_run(tmp_path / "r")
    assert stored.summary is not None
    assert stored.summary["notes"] == result.table.notes
    network = read_checkpoint(stored.checkpoints[2])["network"]
    assert np.array_equal(network.weights[:], result.network.weights[:])
    assert list((tmp_path / "r" / "figures").iterdir()) == []
    table = compare(CONFIG, ["scan", "hsr"], out=tmp_path / "c")
    assert [row["final_loss"] for row in table.rows] == [result.row["final_loss"]] * 2


def test_the_command_ends_well_and_says_it(
    tmp_path: Path, monkeypatch: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Figure, "savefig", failing(ERRORS[0]))
    config = tmp_path / "c.toml"
    config.write_text('[data]\nkind = "sphere"\nn = 6\ndim = 3\n[training]\nsteps = 1\n', encoding="utf-8")
    assert main(["run", str(config), "--out", str(tmp_path / "r")]) == 0
    printed = capsys.readouterr()
    assert "note: pictures could not be drawn: CheckpointError: " in printed.err
    assert "No space left on device" in printed.err
    assert "picture " not in printed.out


def test_pictures_drawn_before_one_that_fails_stay(tmp_path: Path) -> None:
    def draw(directory: Path, document: dict[str, Any]) -> list[Path]:
        save_figure(directory, "first", Figure(), {"x": 1})
        raise ZeroDivisionError("second")

    document: dict[str, Any] = {"rows": []}
    files = write_document(tmp_path / "d", document, draw)
    assert [file.name for file in files] == ["first.png", "first.json"]
    assert document["notes"] == ["pictures could not be drawn: ZeroDivisionError: second"]
    assert json.loads((tmp_path / "d" / "summary.json").read_text(encoding="utf-8"))["notes"] == document["notes"]


def test_an_interruption_while_drawing_is_one_and_loses_nothing(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(Figure, "savefig", failing(KeyboardInterrupt()))  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        run(CONFIG, out=tmp_path / "r")
    stored = read_run(tmp_path / "r")
    assert stored.summary is not None
    assert stored.summary["rows"][0]["final_loss"] == stored.metrics[-1]["loss"]
    assert list(stored.checkpoints) == [2]


def test_a_figure_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: Any) -> None:
    save_figure(tmp_path, "f", Figure(), {"x": 1})
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(before) == {"f.png", "f.json"}
    with pytest.raises(ValueError, match="not JSON compliant"):
        save_figure(tmp_path, "f", Figure(), {"x": float("nan")})
    assert (tmp_path / "f.json").read_bytes() == before["f.json"]
    monkeypatch.setattr(Figure, "savefig", failing(ERRORS[0]))
    with pytest.raises(CheckpointError, match=r"f\.png: cannot be written"):
        save_figure(tmp_path, "f", Figure(), {"x": 2})
    assert {path.name for path in tmp_path.iterdir()} == set(before)
