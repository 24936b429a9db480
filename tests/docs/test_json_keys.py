"""The page on the JSON has a line for every key that the commands write, and no line for any other."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hybrid_train.cli import main
from tests.support.pages import ROOT

PAGE = ROOT / "docs" / "json.md"
QUICK = "examples/quickstart.toml"
SHORT = ["--set", "training.steps=2"]
HSR = ["--set", "finder.kind=hsr"]
TINY = ["--set", "data.n=8", "--set", "network.width=64", *SHORT]

COMMANDS: dict[str, list[list[str]]] = {
    "run, compare": [
        ["run", QUICK, *HSR, "--set", "run.proof=true", *SHORT, "--out", "proven"],
        ["run", "examples/own_table.toml", *SHORT, "--out", "flowers"],
        ["run", "examples/adversarial_digits.toml", *TINY],
        ["compare", QUICK, "--finders", "scan,hsr", *SHORT],
    ],
    "predict": [["predict", "flowers", "examples/flowers.csv"]],
    "verify": [["verify", "proven"]],
    "finders": [["finders"]],
    "sweep": [["sweep", QUICK, "--grid", "finder.kind=scan,empty", *SHORT, "--out", "swept", "--workers", "1"]],
    "report": [["report", "swept"]],
    "count": [
        ["count", "--widths", "2^6", "--trials", "2", "--strategies", "known_k,adaptive"],
        ["count", "--widths", "2^6", "--trials", "2", "--index", "data", "--strategies", "adaptive", "--formula"],
    ],
    "count --along": [["count", "--along", QUICK, "--set", "training.steps=1", "--set", "data.n=2"]],
    "resources": [["resources", "--width", "16", "--dim", "2", "--bits", "3", "--pairs", "4"]],
    "theory": [["theory", "examples/theory.toml", "--no-costs", "--seeds", "2", *SHORT]],
    "reproduce": [["reproduce", "pre", "--quick", "--claims", "spectrum,sparsity"]],
}
"""By section of the page; later ones use what earlier ones wrote."""

SLOW = {"crossover": [["crossover", "--dim", "4", "--n", "4", "--steps", "2", "--strategies", "known_k"]]}

SELDOM = {"rows[].error", "finders[].error", "clean_loss"}
"""Keys that only a failure or an adversary brings."""

PHYSICAL = ("physical", "logical_counts")
"""Keys that only the package qdk brings."""


def documented() -> dict[str, set[str]]:
    """Return the keys of each section of the page."""
    sections: dict[str, set[str]] = {}
    for part in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
        title, _, body = part.partition("\n")
        keys = re.findall(r"^\| `([^`]+)` \|", body, re.MULTILINE)
        assert len(keys) == len(set(keys)), f"{title}: a key has two lines"
        sections[title] = set(keys)
    return sections


def keys_of(document: Any, prefix: str = "") -> Iterator[str]:
    """Yield the key paths of a document: ``rows[].losses``, ``config.run.seed``."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield f"{prefix}{key}"
            yield from keys_of(value, f"{prefix}{key}.")
    elif isinstance(document, list):
        for value in document:
            yield from keys_of(value, f"{prefix.removesuffix('.')}[].")


def unlike(written: set[str], lines: set[str], general: set[str]) -> tuple[list[str], list[str]]:
    """Return keys without a line, and lines without a key; a line that ends in ``.*`` is for all below it."""
    below = tuple(key.removesuffix("*") for key in lines | general if key.endswith(".*"))
    found = {key for key in written if not f"{key}.".startswith(below)} if below else written
    used = {key for key in lines if key.endswith(".*") and any(f"{one}.".startswith(key[:-1]) for one in written)}
    unseen = {key for key in lines if re.split(r"\W", key)[0] in PHYSICAL and not written & set(PHYSICAL)}
    return sorted(found - lines - general), sorted(lines - written - used - SELDOM - unseen)


def printed(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> Any:
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("examples")
def test_every_key_has_a_line_and_every_line_a_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sections = documented()
    general = sections["In every document"]
    for title, commands in COMMANDS.items():
        written = {key for arguments in commands for key in keys_of(printed(arguments, capsys))}
        assert unlike(written, sections[title], general) == ([], []), title
    lines = "".join((tmp_path / run / "metrics.jsonl").read_text() for run in ("proven", "flowers"))
    written = {key for line in lines.splitlines() for key in keys_of(json.loads(line))}
    assert unlike(written, sections["metrics.jsonl"], set()) == ([], [])


@pytest.mark.slow
@pytest.mark.parametrize("title", SLOW)
def test_likewise_of_commands_that_take_longer(title: str, capsys: pytest.CaptureFixture[str]) -> None:
    sections = documented()
    written = {key for arguments in SLOW[title] for key in keys_of(printed(arguments, capsys))}
    assert unlike(written, sections[title], sections["In every document"]) == ([], [])


@pytest.mark.peers
def test_likewise_of_physical_cost(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("qdk")
    sections, (arguments,) = documented(), COMMANDS["resources"]
    written = set(keys_of(printed([*arguments, "--physical"], capsys)))
    assert unlike(written, sections["resources"], sections["In every document"]) == ([], [])


def test_every_section_is_looked_at() -> None:
    assert set(documented()) == {"In every document", "metrics.jsonl", *COMMANDS, *SLOW}


def test_a_key_without_a_line_and_a_line_without_a_key_are_found() -> None:
    assert unlike({"a", "b.c", "b"}, {"a", "b.*"}, set()) == ([], [])
    assert unlike({"a", "new"}, {"a", "old"}, set()) == (["new"], ["old"])
