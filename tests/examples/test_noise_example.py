from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

NOISE = Path(__file__).parents[2] / "examples" / "noise.py"


def test_noise_costs_recall_and_the_table_and_picture_say_so(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = tmp_path / "noise.png"
    monkeypatch.setattr(sys, "argv", [str(NOISE), str(picture)])
    runpy.run_path(str(NOISE))["main"](rates=(0.0, 0.09), width=8, n=4, seeds=2)
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert [float(row[0]) for row in rows] == [0.0, 0.09]
    assert float(rows[0][1]) == 1.0 > float(rows[1][1])
    assert picture.stat().st_size > 1000
