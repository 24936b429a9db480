"""What is written where, whatever the streams are like."""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hybrid_train.cli import printing
from tests.support.commands import error_lines

STREAMS = {
    "stdout closed": (">&-", 1),
    "stdout full": (">/dev/full", 1),
    "both closed": (">&- 2>&-", 1),
    "stderr closed": ("2>&-", 0),
    "stderr full": ("2>/dev/full", 0),
    "all closed": ("<&- >&- 2>&-", 1),
}


def shell(command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=120, check=False, cwd=cwd)


def program(*arguments: str) -> str:
    return f"{sys.executable} -m hybrid_train {' '.join(arguments)}"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("streams", STREAMS)
@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("finders", "--json")])
def test_no_state_of_the_streams_is_a_traceback(streams: str, arguments: tuple[str, ...], tmp_path: Path) -> None:
    redirected, code = STREAMS[streams]
    done = shell(f"{program(*arguments)} {redirected}", tmp_path)
    assert done.returncode == code
    assert done.stderr == "" if "2>" in redirected else done.stderr.startswith("hybrid-train: error: standard output")
    assert done.stderr.count("\n") <= 1


@pytest.mark.parametrize("redirected", ["2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_nothing_gets_into_the_files_of_a_run(redirected: str, config: str, tmp_path: Path) -> None:
    done = shell(f"{program('run', config, '--json', '--out', 'out')} {redirected}", tmp_path)
    assert done.returncode == (1 if ">&- 2" in redirected else 0)
    out = tmp_path / "out"
    assert len([json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]) == 4
    assert json.loads((out / "summary.json").read_text())["rows"][0]["recall"] == 1.0
    if done.stdout:
        assert json.loads(done.stdout)["rows"][0]["recall"] == 1.0


@pytest.mark.parametrize("redirected", ["2>&-", "<&- 2>&-", "<&-"])
def test_no_file_takes_the_place_of_a_stream(redirected: str, tmp_path: Path) -> None:
    code = "import os; from hybrid_train.cli import main; main(['--version']); print(os.open('f', os.O_CREAT) > 2)"
    done = shell(f'{sys.executable} -c "{code}" {redirected}', tmp_path)
    assert done.stdout.splitlines()[-1] == "True"


@pytest.mark.parametrize("redirected", ["2>&-", "2>/dev/full", "2>&- >&-"])
def test_bad_input_has_its_code_though_nobody_can_be_told(redirected: str, tmp_path: Path) -> None:
    done = shell(f"{program('run', 'none.toml', '--out', 'x')} {redirected}", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")


def test_a_closed_pipe_is_no_error(config: str) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        command = [sys.executable, "-m", "hybrid_train", "run", config, "--json", "--quiet"]
        done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, timeout=120, check=False)
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


def test_work_whose_result_would_go_nowhere_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(printing.OutputError, match="closed"):
        printing.check_output(None)
    printing.check_output(Path("out"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain \u03b1", "plain \u03b1"),
        ("\x1b[31mred\x07\x7f\x9b", "\\x1b[31mred\\x07\\x7f\\x9b"),
        ("a\nhybrid-train: error: forged", "a\\nhybrid-train: error: forged"),
        ("a\rb\u2028c\u202ed", "a\\rb\\u2028c\\u202ed"),
        ("\udcff", "\\udcff"),
    ],
)
def test_hidden_characters_are_shown_on_one_line(text: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    printing.complain(text)
    printing.note([text], argparse.Namespace(quiet=False))
    assert capsys.readouterr().err == f"hybrid-train: error: {shown}\nhybrid-train: note: {shown}\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_json_is_the_same_document_in_every_encoding(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    document = {"name": "\u03b1 \U0001f600 \x1b \x9b \u202e \udcff \\ \xe9"}
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    printing.show_json(document)
    text = raw.getvalue().decode(encoding)
    assert json.loads(text) == document
    assert not any(hidden in text for hidden in "\x1b\x9b\u202e")


def test_names_that_are_no_text_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = error_lines(["run", "\udcff\x1b[2J.toml"], capsys)
    assert "\x1b" not in line
