"""Commands that train, and the list of finders."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from hybrid_train.cli import main
from hybrid_train.config.schema import TrainingConfig
from hybrid_train.finder.registry import finder_kinds
from hybrid_train.support.registry import ENTRY_POINT_GROUP
from tests.support.commands import error_lines


class TestRun:
    def test_json_is_one_document_and_nothing_else(self, config: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["run", config, "--json"]) == 0
        captured = capsys.readouterr()
        document = json.loads(captured.out)
        assert set(document) == {"status", "rows", "fired", "config", "quality", "versions", "notes"}
        assert len(document["rows"]) == 1
        assert len(document["rows"][0]["losses"]) == 4
        assert captured.err.splitlines() == [f"hybrid-train: note: {note}" for note in document["notes"]] != []

    def test_overrides_reach_the_run(self, config: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["run", config, "--json", "--set", "training.steps=1", "--set", "finder.kind=hsr"]) == 0
        row = json.loads(capsys.readouterr().out)["rows"][0]
        assert (row["finder"], row["steps"]) == ("hsr", 1)

    def test_quiet_says_only_the_result(self, config: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["run", config, "--quiet"]) == 0
        assert capsys.readouterr().err == ""

    def test_every_config_error_has_a_line(self, config: str, capsys: pytest.CaptureFixture[str]) -> None:
        arguments = ["run", config, "--set", "training.stps=1", "--set", "network.width=0"]
        assert error_lines(arguments, capsys) == [
            "network.width=0: expected a number of at least 1",
            f"training.stps=1: unknown key, did you mean 'steps'?; known: {', '.join(TrainingConfig.model_fields)}",
        ]

    @pytest.mark.parametrize(
        ("override", "code", "words"),
        [
            ("network.width=1000000000000", 2, "available"),
            ("data.kind=disc", 2, "data.kind='disc': expected one of sphere"),
            ("data.n=0", 2, "data.n=0"),
            ("training.loss=cross_entropy", 0, ""),
        ],
    )
    def test_exit_codes(
        self, config: str, capsys: pytest.CaptureFixture[str], override: str, code: int, words: str
    ) -> None:
        assert main(["run", config, "--quiet", "--set", override]) == code
        errors = capsys.readouterr().err.splitlines()
        assert len(errors) == (code != 0)
        assert all(line.startswith("hybrid-train: error: ") and words in line for line in errors)

    def test_data_errors_are_bad_input(self, config: str, capsys: pytest.CaptureFixture[str]) -> None:
        overrides = ["--set", "data.kind=file", "--set", "data.path=none.csv", "--set", "data.n=3"]
        assert main(["run", config, *overrides]) == 2
        assert "none.csv" in capsys.readouterr().err

    def test_a_diverging_run_failed(self, config: str, capsys: pytest.CaptureFixture[str]) -> None:
        changes = ("network.threshold=-50", "training.learning_rate=1e4", "training.steps=500")
        (line,) = error_lines(["run", config, "--quiet", *(f"--set={change}" for change in changes)], capsys, 1)
        assert "learning_rate=10000" in line

    def test_an_unexpected_error_is_one_line_unless_debugging(
        self, config: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_: Any, **__: Any) -> None:
            raise RuntimeError("two\nlines")

        monkeypatch.setattr("hybrid_train.experiments.runs.run", broken)
        monkeypatch.delenv("HYBRID_TRAIN_DEBUG", raising=False)
        assert main(["run", config]) == 1
        assert capsys.readouterr().err == "hybrid-train: error: RuntimeError: two lines\n"
        monkeypatch.setenv("HYBRID_TRAIN_DEBUG", "1")
        with pytest.raises(RuntimeError, match="two"):
            main(["run", config])

    def test_a_second_run_into_the_same_directory_is_refused(
        self, config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = str(tmp_path / "out")
        assert main(["run", config, "--quiet", "--out", out]) == 0
        assert f"results in {out}" in capsys.readouterr().out
        assert main(["run", config, "--quiet", "--out", out]) == 2
        assert "already holds results" in capsys.readouterr().err


class TestCompare:
    def test_the_table_has_a_line_for_each_run(
        self, config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = tmp_path / "out"
        command = ["compare", config, "--finders", "scan, empty", "--index", "neurons,data", "--out", str(out)]
        assert main(command) == 0
        lines = capsys.readouterr().out.splitlines()
        titles = (
            "finder index promise recall final_loss training_accuracy fired/datum inner_products nodes_visited "
            "oracle_calls verifications time_[s]"
        )
        assert "_".join(lines[0].split()) == titles.replace(" ", "_")
        assert [line.split()[:3] for line in lines[1:5]] == [
            ["scan", "neurons", "exact"],
            ["empty", "neurons", "approximate"],
            ["scan", "data", "exact"],
            ["empty", "data", "approximate"],
        ]
        assert len({len(line) for line in lines[:5]}) == 1
        pictures = [Path(line.removeprefix("picture ")) for line in lines if line.startswith("picture ")]
        assert pictures == [out / "figures" / f"{name}.png" for name in ("loss", "cost", "fired")]
        assert all(path.stat().st_size > 0 for path in pictures)

    def test_a_failed_row_is_printed_and_the_exit_code_tells(
        self, config: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def failing(*_: Any) -> None:
            raise OSError("gone")

        monkeypatch.setattr("classical.hsr.HSRFinder.find", failing)
        assert main(["compare", config, "--finders", "hsr,scan", "--json", "--quiet"]) == 1
        captured = capsys.readouterr()
        rows = json.loads(captured.out)["rows"]
        assert rows[0]["error"] == "OSError: gone"
        assert rows[1]["recall"] == 1.0
        assert captured.err == "hybrid-train: error: hsr (index neurons): OSError: gone\n"

    def test_an_unknown_finder_is_bad_input(self, config: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["compare", config, "--finders", "scan,groover"]) == 2
        assert "did you mean 'grover'?" in capsys.readouterr().err


class TestFinders:
    def test_every_finder_is_described(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["finders", "--json"]) == 0
        listed = {finder["name"]: finder for finder in json.loads(capsys.readouterr().out)["finders"]}
        assert set(listed) == set(finder_kinds())
        assert listed["scan"]["promise"] == "exact"
        assert listed["hsr"]["options"]["leaf_size"]["default"] == 64
        assert "closed_form" in listed["grover"]["options"]["engine"]["choices"]
        assert "sampler" not in listed["grover"]["options"]

    def test_a_plug_in_that_cannot_load_is_listed_with_its_error(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        points = [EntryPoint("lost", "no_such_module_anywhere:Finder", ENTRY_POINT_GROUP)]
        for module in ("listing", "registry"):
            monkeypatch.setattr(f"hybrid_train.finder.{module}.entry_points", lambda group: points)
        assert main(["finders"]) == 0
        text = " ".join(capsys.readouterr().out.split())
        assert "lost cannot be loaded finder.kind='lost': cannot load no_such_module_anywhere:Finder" in text
        assert "hsr.leaf_size 64" in text

    def test_those_named_alone_are_shown(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["finders", "hsr"]) == 0
        assert [line.split()[0] for line in capsys.readouterr().out.split("\n") if line.startswith("hsr")] == [
            "hsr",
            "hsr.leaf_size",
            "hsr",
        ]
        assert "did you mean 'grover'" in error_lines(["finders", "groover"], capsys)[0]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["run", "--set", "finders.hsr.leaf_size=8"], ["--set finders.hsr.leaf_size=8"]),
        (
            ["compare", "--finders", "scan", "--index", "data", "--set", "training.index=data"],
            ["--set training.index=data"],
        ),
        (["compare", "--finders", "scan", "--set", "finders.hsr.leaf_size=8"], ["--set finders.hsr.leaf_size=8"]),
        (
            ["compare", "--finders", "scan", "--set", "finder.kind=hsr", "--set", "finder.leaf_size=8"],
            ["--set finder.kind=hsr", "--set finder.leaf_size=8"],
        ),
        (["theory", "--set", "run.audit_every=2"], ["--set run.audit_every=2"]),
    ],
)
def test_settings_without_effect_are_refused_by_name(
    config: str, capsys: pytest.CaptureFixture[str], arguments: list[str], named: list[str]
) -> None:
    lines = error_lines([arguments[0], config, *arguments[1:]], capsys)
    assert [line.partition(":")[0] for line in lines] == named


def test_an_empty_index_is_not_passed_over(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", config, "--finders", "scan", "--index", ""]) == 2
    assert "indexes=[]" in capsys.readouterr().err
