"""What the command line says when it refuses."""

from __future__ import annotations

import pytest

from hybrid_train.cli import main

_PREFIX = "hybrid-train: error: "


def error_lines(arguments: list[str], capsys: pytest.CaptureFixture[str], code: int = 2) -> list[str]:
    """Run a command that fails with this code and prints nothing but errors; return their lines, unprefixed."""
    assert main(arguments) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.splitlines()
    assert all(line.startswith(_PREFIX) for line in lines)
    return [line.removeprefix(_PREFIX) for line in lines]
