"""``doctor`` says what is here."""

from __future__ import annotations

import json

import pytest

from hybrid_train.cli import main


def test_it_says_what_this_machine_has(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["threads"] >= 1
    assert 16 << found["largest_aer_qubits"] <= found["memory_bytes"] < 16 << (found["largest_aer_qubits"] + 1)
    assert "CPU" in found["devices"]
    assert main(["doctor"]) == 0
    assert "numpy" in capsys.readouterr().out
