from __future__ import annotations

import ast
import runpy
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "adversarial_digits.py"


def test_it_compares_training_with_and_without_an_adversary(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [str(EXAMPLE), "--steps", "5"])
    runpy.run_path(str(EXAMPLE))["main"]()
    rows = [ast.literal_eval(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["trained against"] for row in rows] == ["none", "pgd"]
    assert all(row["robust_accuracy"] < row["clean_accuracy"] for row in rows)
