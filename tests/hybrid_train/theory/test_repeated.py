"""Lines over several starts: counted, judged by what the theorem lets fail, and able to say no."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hybrid_train.cli import main
from hybrid_train.errors import HybridTrainError
from hybrid_train.theory import check_theory
from hybrid_train.theory.repeated import Repeated, repeated
from tests.support.configs import merged

TABLES: dict[str, Any] = {
    "data": {"kind": "sphere", "n": 3, "dim": 5},
    "network": {"width": 256, "threshold": 0.5},
    "training": {"steps": 2, "learning_rate": 0.01},
    "finder": {"kind": "scan"},
}


def row(satisfied: bool, failure: float, *, applies: bool = True, empty: bool = False) -> dict[str, Any]:
    return {
        "section": "s",
        "quantity": "q",
        "source": "t",
        "applies": applies,
        "satisfied": satisfied,
        "failure": failure,
        "empty": empty,
    }


@pytest.mark.parametrize(
    ("failed", "failure", "holds"),
    [(0, 0.0, "yes"), (1, 0.0, "no"), (1, 0.01, "yes"), (4, 0.01, "no"), (20, 0.9, "yes"), (20, 1.0, "says nothing")],
)
def test_more_failures_than_the_theorem_lets_are_a_no(failed: int, failure: float, holds: str) -> None:
    trials = [[row(at >= failed, failure)] for at in range(20)]
    (line,) = repeated(trials)
    assert (line.starts, line.failed) == (20, failed)
    assert line.holds == holds


def test_ten_failures_where_a_hundredth_may_fail_are_a_no() -> None:
    assert Repeated("s", "q", "t", 100, 10, 0.01).holds == "no"
    assert Repeated("s", "q", "t", 100, 4, 0.01).holds == "yes"


def test_starts_that_lack_an_assumption_do_not_count() -> None:
    (line,) = repeated([[row(False, 0.0, applies=False)], [row(True, 0.0)]])
    assert (line.starts, line.failed, line.holds) == (1, 0, "yes")
    (none,) = repeated([[row(False, 0.0, applies=False)]])
    assert (none.holds, none.as_dict()["share"]) == ("not applicable", None)
    (empty,) = repeated([[row(True, 0.0, empty=True)]])
    assert empty.holds == "says nothing"


def test_each_start_is_the_check_of_its_seed(tmp_path: Path) -> None:
    over = check_theory(TABLES, costs=False, seeds=4, out=tmp_path / "a").repeated
    singles = [check_theory(merged(TABLES, run={"seed": seed}), costs=False).lines for seed in range(4)]
    for line in over:
        key = (line.section, line.quantity, line.source)
        same = [one for lines in singles for one in lines if (one.section, one.quantity, one.source) == key]
        told = [one for one in same if one.applies_often]
        assert (line.starts, line.failed) == (len(told), sum(not one.satisfied for one in told))
    judged = {line.quantity: line for line in over}
    assert judged["fired at the start, most for a datum"].starts == 4
    assert check_theory(TABLES, costs=False).repeated == ()
    again = json.loads((tmp_path / "a" / "summary.json").read_text())["repeated"]
    assert [one["starts"] for one in again] == [line.starts for line in over]


def test_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "c.toml"
    path.write_text('[data]\nkind = "sphere"\nn = 3\ndim = 4\n[network]\nwidth = 64\n[training]\nsteps = 1\n')
    words = ["theory", str(path), "--no-costs", "--quiet"]
    assert main([*words, "--seeds", "2"]) == 0
    assert "over several starts" in capsys.readouterr().out
    assert main(words) == 0
    assert "over several starts" not in capsys.readouterr().out
    assert main([*words, "--seeds", "0"]) == 2
    assert "seeds=0: must be an integer of at least 1" in capsys.readouterr().err
    with pytest.raises(HybridTrainError, match="seeds"):
        check_theory(TABLES, seeds=0)
