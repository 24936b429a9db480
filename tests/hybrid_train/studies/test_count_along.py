from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classical.scan import ScanFinder
from hybrid_train.cli import main
from hybrid_train.errors import ConfigError
from hybrid_train.finder.bank import DenseBank
from hybrid_train.studies.count_along import count_along
from hybrid_train.studies.recorder import Recorder

CONFIG: dict[str, Any] = {
    "data": {"kind": "sphere", "n": 6, "dim": 5},
    "network": {"width": 512},
    "training": {"steps": 6},
}


def with_index(index: str) -> dict[str, Any]:
    return CONFIG | {"training": {"steps": 6, "index": index}}


def test_recorder_notes_what_is_new_for_each_query() -> None:
    points, queries = np.array([[1.0], [2.0], [3.0]]), np.array([[1.0], [-1.0]])
    bank = DenseBank(points)
    recorder = Recorder(ScanFinder())
    recorder.build(bank, queries, 1.5)
    recorder.find()
    points[0], points[2] = 5.0, -5.0
    bank.assign(np.array([0, 2]), points[[0, 2]])
    recorder.move_points([0, 2], points[[0, 2]])
    recorder.find()
    recorder.find([1])
    first, second, third = recorder.asked
    assert first.active.tolist() == first.newcomers.tolist() == [2, 0]
    assert first.known.tolist() == [0, 0]
    assert np.isnan(first.newcomers_before).all()
    assert (second.active.tolist(), second.newcomers.tolist(), second.known.tolist()) == ([2, 1], [1, 1], [2, 0])
    assert second.newcomers_before.tolist() == [2, 0]
    assert (third.rows.tolist(), third.active.tolist(), third.newcomers.tolist()) == ([1], [1], [0])
    assert third.known.tolist() == third.newcomers_before.tolist() == [1]


@pytest.mark.parametrize("index", ["neurons", "data"])
def test_every_step_of_the_run_is_counted(index: str) -> None:
    along = count_along(with_index(index), ("bbht", "adaptive", "warm"))
    assert [row["step"] for row in along.rows] == [step for step in range(7) for _ in range(3)]
    by = {(row["step"], row["strategy"]): row for row in along.rows}
    assert by[0, "warm"]["oracle_calls"] == by[0, "adaptive"]["oracle_calls"]
    assert all(row["missed"] == 0 for row in along.rows)
    for step in range(1, 7):
        cold, warm = by[step, "adaptive"], by[step, "warm"]
        assert warm["oracle_calls"] < cold["oracle_calls"]
        assert warm["newcomers"] <= warm["active"]
        assert cold["inner_products"] == cold["verifications"]
        assert warm["inner_products"] >= warm["verifications"]
    total = {row["strategy"]: row for row in along.totals}
    assert total["bbht"]["fewer_than_printed"] == 1.0
    assert total["warm"]["fewer_than_printed"] > 1.0
    assert total["warm"]["oracle_calls"] == sum(r["oracle_calls"] for r in along.rows if r["strategy"] == "warm")


@pytest.mark.parametrize("index", ["neurons", "data"])
def test_all_pairs_of_a_step_at_once(index: str) -> None:
    apart, together = (
        count_along(with_index(index), ("adaptive", "warm"), scope=scope) for scope in ("query", "pairs")
    )
    for one, all_pairs in zip(apart.rows, together.rows, strict=True):
        assert all_pairs["searches"] == 1
        assert all_pairs["oracle_calls"] < one["oracle_calls"]
        for same in ("queries", "active", "newcomers", "scan", "missed"):
            assert all_pairs[same] == one[same]
    finder = {"kind": "grover", "engine": "closed_form", "scope": "pairs"}
    assert count_along(with_index(index) | {"finder": finder}, ("adaptive", "warm")).rows == together.rows


def test_a_quantum_finder_is_replaced_for_training() -> None:
    along = count_along(CONFIG | {"finder": {"kind": "grover", "engine": "closed_form"}}, ("warm",))
    assert along.config.finder.kind == "scan"
    assert any("a scan stood in" in note for note in along.notes)
    assert along.rows == count_along(CONFIG, ("warm",)).rows


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ConfigError, match="strategies="):
        count_along(CONFIG, ())
    with pytest.raises(ConfigError, match="scope='all'"):
        count_along(CONFIG, scope="all")
    with pytest.raises(ConfigError, match=r"delta=1.0"):
        count_along(CONFIG, delta=1.0)


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[data]\nkind="sphere"\nn=4\ndim=4\n[network]\nwidth=128\n[training]\nsteps=2\n')
    out = tmp_path / "out"
    assert main(["count", "--along", str(config), "--out", str(out), "--quiet"]) == 0
    assert "fewer than Algorithm 7" in capsys.readouterr().out
    assert (out / "figures" / "oracle_calls_along.png").stat().st_size > 5000
    assert main(["count", "--along", str(config), "--set", "training.steps=1", "--json", "--quiet"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert len(document["rows"]) == 2 * 4
    assert main(["count", "--along", str(config), "--widths", "64"]) == 2
    assert "--widths 64: no effect: with --along" in capsys.readouterr().err


def test_searches_may_have_a_seed_of_their_own() -> None:
    first, again, other = (count_along(CONFIG, ("bbht",), seed=seed).rows for seed in (1, 1, 2))
    assert first == again != other
    assert [row["active"] for row in first] == [row["active"] for row in other]
    with pytest.raises(ConfigError, match="seed=-1"):
        count_along(CONFIG, ("bbht",), seed=-1)
