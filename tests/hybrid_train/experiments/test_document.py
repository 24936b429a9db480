"""Results directories: what was worked out is on disk and handed back, whatever becomes of its pictures."""

from __future__ import annotations

import errno
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from hybrid_train.cli import main
from hybrid_train.errors import CheckpointError, UnwrittenError
from hybrid_train.experiments.document import draw_document
from hybrid_train.experiments.results import read_checkpoint, read_run
from hybrid_train.experiments.runs import compare, run
from hybrid_train.report.figures import save_figure
from hybrid_train.support.files import write_json

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
    (tmp_path / "d").mkdir()
    files = draw_document(tmp_path / "d", document, draw)
    assert [file.name for file in files] == ["first.png", "first.json"]
    assert document["notes"] == ["pictures could not be drawn: ZeroDivisionError: second"]
    assert json.loads((tmp_path / "d" / "summary.json").read_text(encoding="utf-8"))["notes"] == document["notes"]


def test_an_interruption_while_drawing_is_one_and_loses_nothing(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(Figure, "savefig", failing(KeyboardInterrupt()))
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


COMMANDS = {
    "run": ["run", "CONFIG"],
    "compare": ["compare", "CONFIG", "--finders", "scan,empty"],
    "theory": ["theory", "CONFIG", "--no-costs"],
    "count": ["count", "--widths", "1024", "--strategies", "known_k", "--trials", "4"],
    "count --along": ["count", "--along", "CONFIG", "--strategies", "known_k"],
}
"""Every command with a results directory whose work is short; the crossover's has a test of its own."""
CONFIG_TEXT = (
    '[data]\nkind = "sphere"\nn = 6\ndim = 3\n[network]\nwidth = 32\n[training]\nsteps = 1\n[finder]\nkind = "scan"\n'
)


def arguments(name: str, tmp_path: Path) -> list[str]:
    config = tmp_path / "c.toml"
    config.write_text(CONFIG_TEXT, encoding="utf-8")
    given = [str(config) if word == "CONFIG" else word for word in COMMANDS[name]]
    return [*given, "--json", "--out", str(tmp_path / "r")]


def forget_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Matplotlib, and with it all that draws, be missing from here on."""
    for name in list(sys.modules):
        if name.split(".")[0] == "matplotlib" or name.startswith("hybrid_train.report"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)


@pytest.mark.parametrize("name", COMMANDS)
def test_without_matplotlib_a_document_lacks_its_pictures_alone(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    forget_pictures(monkeypatch)
    assert main(arguments(name, tmp_path)) == 0
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert "note: pictures could not be drawn: ModuleNotFoundError: " in printed.err
    stored = json.loads((tmp_path / "r" / "summary.json").read_text(encoding="utf-8"))
    assert stored["rows"] == document["rows"]
    assert any(note.startswith("pictures could not be drawn") for note in stored["notes"])


@pytest.mark.parametrize("name", COMMANDS)
def test_a_result_that_cannot_be_written_is_printed_all_the_same(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(path: Path, summary: dict[str, Any]) -> None:
        if summary.get("status") == "done":
            raise CheckpointError(f"{path}: cannot be written: No space left on device")
        write_json(path, summary)

    monkeypatch.setattr("hybrid_train.experiments.document.write_json", full)
    assert main(arguments(name, tmp_path)) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["rows"]
    assert "summary.json: cannot be written: No space left on device" in printed.err
    assert printed.err.count("error: ") == 1 + 2 * (name == "compare")


def test_a_network_that_cannot_be_written_is_handed_over_with_the_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(UnwrittenError, match=r"step-000002\.npz: cannot be written: No space left") as told:
        run(CONFIG, out=tmp_path / "r")
    monkeypatch.undo()
    expected = run(CONFIG)
    assert told.value.result.losses == expected.losses
    assert np.array_equal(told.value.result.network.weights[:], expected.network.weights[:])
    stored = read_run(tmp_path / "r")
    assert stored.summary is not None
    assert stored.summary["rows"][0]["final_loss"] == expected.row["final_loss"]
