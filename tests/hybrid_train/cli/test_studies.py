"""Commands that count what a quantum search takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hybrid_train.cli import main
from tests.support.commands import error_lines

NOT_ALONG = {
    "widths": "64",
    "counts": "3",
    "trials": "4",
    "index": "data",
    "n": "3",
    "newcomers": "0.5",
    "seed": "1",
}


def test_every_option_that_the_config_decides_is_refused_by_name(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [text for name, value in NOT_ALONG.items() for text in (f"--{name}", value)]
    lines = error_lines(["count", "--along", config, *options], capsys)
    assert [line.split()[0].removeprefix("--") for line in lines] == list(NOT_ALONG)
    assert "--set run.seed=S" in lines[-1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--n", "3"], "--n 3: no effect: it is for --index data"),
        (["--n", "3", "--index", "neurons"], "--n 3: no effect"),
        (["--strategies", "known_k", "--newcomers", "0.5"], "--newcomers 0.5: no effect"),
        (["--set", "run.seed=1"], "--along CONFIG"),
        (["--index", "data", "--counts", "3"], "counts"),
        (["--widths", ""], "widths=''"),
        (["--strategies", ""], "strategies=[]"),
        (["--delta", "nan"], "delta=nan"),
        (["--n", "-1", "--index", "data"], "n=-1"),
        (["--n", "9" * 20, "--index", "data"], "--n: '99999999999999999999' given, expected a whole number of at most"),
        (["--widths", "64", "--counts", "m^99999"], "expected a whole number from 0 to m=64"),
        (["--widths", "64", "--counts", f"{'9' * 400}m"], "expected a whole number from 0 to m=64"),
    ],
)
def test_count_refuses_what_has_no_effect_or_no_sense(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (line,) = error_lines(["count", *arguments], capsys)
    assert words in line


def test_options_reach_the_count(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--index", "data", "--n", "5", "--seed", "3", "--newcomers", "0.5", "--trials", "2", "--delta", "1e-3"]
    assert main(["count", "--widths", "64", "--strategies", "warm", "--json", *options]) == 0
    given = json.loads(capsys.readouterr().out)["options"]
    wanted = {"delta": 1e-3, "seed": 3, "index": "data", "n": 5, "newcomers": 0.5, "trials": 2}
    assert given == wanted | {"scope": "query"}


def test_crossover_looks_for_a_free_directory_before_it_works(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def started(*_: object, **__: object) -> None:
        raise AssertionError("the work has begun")

    monkeypatch.setattr("hybrid_train.studies.crossover.measured_model", started)
    (tmp_path / "summary.json").write_text("{}", encoding="utf-8")
    assert main(["crossover", "--out", str(tmp_path)]) == 2
    assert "already holds results" in capsys.readouterr().err


def test_count_prints_all_only_where_it_prints_tables(capsys: pytest.CaptureFixture[str]) -> None:
    count = ["count", "--widths", "2^4..2^6", "--strategies", "known_k", "--trials", "2", "--quiet"]
    assert main(count) == 0
    assert "until last hit" not in capsys.readouterr().out
    assert main([*count, "--all"]) == 0
    assert "until last hit" in capsys.readouterr().out
    assert main([*count, "--all", "--json"]) == 2
    assert capsys.readouterr().err == "hybrid-train: error: --all: no effect: --json has everything\n"
