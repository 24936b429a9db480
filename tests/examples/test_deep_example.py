from __future__ import annotations

import runpy
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "deep_digits.py"


def test_ten_digits_are_learnt_and_the_landscape_drawn(capsys, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(sys, "argv", [str(EXAMPLE), str(tmp_path)])
    assert runpy.run_path(str(EXAMPLE))["main"](n=20, width=128, finder="scan") == 1.0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0][:3] == ["step", "loss", "accuracy"]
    assert [lines[-2][2], lines[-2][4]] == ["1.000", "1"]
    assert {path.name for path in tmp_path.iterdir()} == {"landscape.png", "landscape.json"}
