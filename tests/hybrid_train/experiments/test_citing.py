"""What is cited is what is used, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from circuits.strategies import STRATEGIES
from hybrid_train.cli import main
from hybrid_train.config import load_config
from hybrid_train.experiments.citing import bibtex, bibtex_of_strategies
from hybrid_train.finder.registry import FINDERS

BASE = {"data": {"kind": "sphere", "n": 4, "dim": 3}, "finder": {"kind": "scan"}}


def keys(text: str) -> list[str]:
    return re.findall(r"^@\w+\{([^,]+),$", text, re.MULTILINE)


def test_a_scan_cites_the_program_and_the_algorithm() -> None:
    assert keys(bibtex(load_config(BASE))) == ["hybrid_train", "song2021preprocessing"]


@pytest.mark.parametrize(
    ("settings", "added"),
    [
        (["finder.kind=hsr"], "agarwal1992dynamic"),
        (["finder.kind=skin"], "verlet1967computer"),
        (["finder.kind=correlation_tree"], "alman2023bypass"),
        (["finder.kind=lsh"], "chen2020slide"),
        (["finder.kind=grover"], "qiskit2024"),
        (["finder.kind=grover", "finder.strategy=exact"], "hoyer2000arbitrary"),
        (["finder.kind=grover", "finder.strategy=counting"], "suzuki2020amplitude"),
        (["training.algorithm=sgd", "training.batch_size=2"], "qin2023sgd"),
        (["training.optimiser=adam"], "kingma2015adam"),
        (["data.kind=digits"], "pedregosa2011scikit"),
    ],
)
def test_each_choice_adds_its_source(settings: list[str], added: str) -> None:
    base = BASE | {"data": {"kind": "digits", "n": 4}} if settings == ["data.kind=digits"] else BASE
    assert added in keys(bibtex(load_config(base, settings)))


def test_the_law_of_a_search_needs_no_simulator() -> None:
    found = keys(bibtex(load_config(BASE, ["finder.kind=grover", "finder.engine=closed_form"])))
    assert "qiskit2024" not in found
    assert "yoder2014fixed" in found


def test_every_finder_and_strategy_here_is_known() -> None:
    text = bibtex(load_config(BASE), list(FINDERS)) + bibtex_of_strategies(list(STRATEGIES))
    assert "@misc{finder_" not in text
    assert len(set(keys(bibtex_of_strategies(list(STRATEGIES))))) == 10


def test_the_command_prints_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "c.toml").write_text('[data]\nkind = "sphere"\nn = 4\ndim = 3\n[finder]\nkind = "hsr"\n')
    assert main(["cite", str(tmp_path / "c.toml"), "--finders", "scan"]) == 0
    assert "Agarwal" not in capsys.readouterr().out
