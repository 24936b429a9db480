from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "examples" / "lazy_training.py"


def test_the_distance_to_the_tangent_kernel_falls_in_table_and_picture(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = tmp_path / "lazy.png"
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), str(picture)])
    runpy.run_path(str(SCRIPT))["main"](output_weights=(1.0, 16.0, 256.0), width=256, seeds=2)
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:4]]
    distances = [float(row[1]) for row in rows]
    assert distances[0] > 2 * distances[1] > 4 * distances[2] > 0
    assert picture.stat().st_size > 1000
