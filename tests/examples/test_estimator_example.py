from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

from hybrid_train.cli import main

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_a_grid_search_tells_shares_apart_and_draws_them(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = tmp_path / "grid.png"
    monkeypatch.setattr(sys, "argv", [str(EXAMPLES / "estimator.py"), str(picture)])
    runpy.run_path(str(EXAMPLES / "estimator.py"))["main"](fractions=(0.05, 0.2), width=64, folds=2)
    lines = capsys.readouterr().out.splitlines()
    assert [float(line.split()[0]) for line in lines[1:3]] == [0.05, 0.2]
    assert all(float(line.split()[1]) > 0.8 for line in lines[1:3])
    assert float(lines[3].split()[4].rstrip(",")) > 0.85
    assert picture.stat().st_size > 1000


def test_a_table_with_words_is_trained_on_held_out_and_predicted(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out, predictions = str(tmp_path / "flowers"), tmp_path / "predictions.csv"
    assert main(["run", str(EXAMPLES / "own_table.toml"), "--out", out]) == 0
    assert "held-out accuracy" in capsys.readouterr().out
    assert main(["predict", out, str(EXAMPLES / "flowers.csv"), "--out", str(predictions)]) == 0
    found = [line.split(",")[1] for line in predictions.read_text(encoding="utf-8").splitlines()[1:]]
    truth = [line.split(",")[-1] for line in (EXAMPLES / "flowers.csv").read_text(encoding="utf-8").splitlines()[1:]]
    assert sum(one == other for one, other in zip(found, truth, strict=True)) > 0.93 * len(truth)
