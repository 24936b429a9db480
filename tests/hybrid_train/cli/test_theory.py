"""``hybrid-train theory``."""

from __future__ import annotations

import json

import pytest

from hybrid_train.cli import main


def test_predictions_stand_beside_measurements(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["theory", config, "--no-costs", "--json", "--quiet"]) == 0
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert document["rows"]
    assert document["costs"] == []
    assert captured.err == ""
