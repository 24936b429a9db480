"""A small config for every command that takes one."""

from __future__ import annotations

from pathlib import Path

import pytest

CONFIG = """
[data]
kind = "sphere"
n = 6
dim = 4
[network]
width = 32
[training]
steps = 3
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG, encoding="utf-8")
    return str(path)
