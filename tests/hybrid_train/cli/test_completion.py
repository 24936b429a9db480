"""Completion: what is offered, and that a real shell asks for it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hybrid_train.cli import main
from hybrid_train.cli.completion import SCRIPTS
from tests.support.commands import error_lines

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["the"], ["theory"]),
        (["cou"], ["count"]),
        (["nothing", "--"], []),
        (["compare", "a.toml", "--fi"], ["--finders"]),
        (["compare", "a.toml", "--finders", "h"], ["hsr"]),
        (["compare", "a.toml", "--finders", "scan,s"], ["scan,skin", "scan,sparse_columns"]),
        (["compare", "--finders", "=", "scan,h"], ["scan,hsr"]),
        (["compare", "--finders=gr"], ["--finders=grover"]),
        (["compare", "--quiet", "--qu"], []),
        (["compare", "--set", "a.b=1", "--se"], ["--set"]),
        (["compare", "--out", ""], []),
        (["finders", "g"], ["grover"]),
        (["count", "--strategies", "warm,wa"], []),
        (["count", "--scope", "p"], ["pairs"]),
        (["completion", "--w"], []),
        (["completion", "z"], ["zsh"]),
        (["resources", "--loading", ""], ["all", "coordinate"]),
    ],
)
def test_what_is_offered(typed: list[str], offered: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "--words", *(f"={word}" for word in typed)]) == 0
    assert capsys.readouterr().out.split() == offered


def test_every_command_and_option_can_be_typed_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "--words", "="]) == 0
    offered = capsys.readouterr().out.split()
    assert {"run", "compare", "finders", "sweep", "--version"} <= set(offered)
    for command in offered[:-2]:
        assert main(["completion", "--words", f"={command}", "=--"]) == 0
        options = capsys.readouterr().out.split()
        assert main([command, "--help"]) == 0
        text = capsys.readouterr().out
        assert "--help" in options
        assert all(option in text for option in options)


def test_a_shell_must_be_one_of_three(capsys: pytest.CaptureFixture[str]) -> None:
    assert "bash, zsh, fish" in error_lines(["completion"], capsys)[0]
    assert "'tcsh'" in error_lines(["completion", "tcsh"], capsys)[0]


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_offers_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = tmp_path / "hybrid-train"
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m hybrid_train "$@"\n')
    program.chmod(0o755)
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    asks = (
        'COMP_WORDS=(hybrid-train compare a.toml --finders scan,h); COMP_CWORD=4; _hybrid_train; echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", f"{script}\n{asks}\ncomplete -p hybrid-train"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split("\n")[0] == "scan,hsr"
    assert "_hybrid_train hybrid-train" in done.stdout


@pytest.mark.parametrize("shell", sorted(SCRIPTS))
def test_a_script_is_one_that_its_shell_can_read(
    shell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell}")
    assert main(["completion", shell]) == 0
    script = tmp_path / "script"
    script.write_text(capsys.readouterr().out)
    subprocess.run([shell, "-n", str(script)], check=True, timeout=60)
