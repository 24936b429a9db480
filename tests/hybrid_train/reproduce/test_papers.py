from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hybrid_train.cli import main
from hybrid_train.crew import executors
from hybrid_train.errors import ConfigError, ResourceError
from hybrid_train.reproduce import PAPERS, papers, reproduce, reproduction_text
from hybrid_train.reproduce.claim import Claim, Effort, Finding, Panel, curve
from tests.support.crews import Crew

PANEL = Panel("a title", "x", "y", [curve("measured", [1, 2], [3, 4]), curve("bound", [1, 2], [5, 6], predicted=True)])


def finding(holds: Any = "yes") -> Finding:
    return Finding(holds, "1", "2", "small", [PANEL])


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace the claims of PRE by three small ones and return which were measured, in order."""
    done: list[str] = []

    def work(name: str, holds: str, effort: Effort) -> Finding:
        effort.piece("part", lambda: done.append(f"{name}, part"))
        done.append(name)
        return finding(holds)

    claims = tuple(
        Claim(name, "PRE", f"It is {name}.", lambda effort, n=name, h=holds: work(n, h, effort))
        for name, holds in (("first", "yes"), ("second", "no"), ("third", "yes"))
    )
    monkeypatch.setitem(PAPERS, "pre", claims)
    return done


def test_every_claim_has_a_row_a_verdict_and_a_picture(asked: list[str], tmp_path: Path) -> None:
    found = reproduce("pre", quick=True, out=tmp_path / "out")
    assert [(row["claim"], row["holds"]) for row in found.rows] == [
        ("first", "yes"),
        ("second", "no"),
        ("third", "yes"),
    ]
    assert [file.name for file in found.figures if file.suffix == ".png"] == [
        "claim_first.png",
        "claim_second.png",
        "claim_third.png",
    ]
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["rows"] == json.loads(json.dumps(found.rows))
    assert "NO  second: It is second. (PRE)" in reproduction_text(found.document())


def test_one_that_was_broken_off_goes_on(asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = PAPERS["pre"]
    broken = Claim("second", "PRE", "It is second.", lambda effort: effort.piece("part", lambda: interrupt(asked)))
    monkeypatch.setitem(PAPERS, "pre", (whole[0], broken, whole[2]))
    with pytest.raises(KeyboardInterrupt):
        reproduce("pre", out=tmp_path / "out")
    monkeypatch.setitem(PAPERS, "pre", whole)
    found = reproduce("pre", resume=tmp_path / "out")
    assert asked == ["first, part", "first", "broken", "second, part", "second", "third, part", "third"]
    assert [row["claim"] for row in found.rows] == ["first", "second", "third"]


def interrupt(asked: list[str]) -> None:
    asked.append("broken")
    raise KeyboardInterrupt


def test_a_claim_that_cannot_be_measured_does_not_end_the_others(
    asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(effort: Effort) -> Finding:
        raise ResourceError("too wide")

    monkeypatch.setitem(PAPERS, "pre", (Claim("hard", "PRE", "It is hard.", fail), *PAPERS["pre"][:1]))
    assert [row["holds"] for row in reproduce("pre").rows] == ["not measured", "yes"]


def test_unknown_papers_and_claims_are_refused() -> None:
    with pytest.raises(ConfigError, match="paper='prr': expected one of pre, sgd, adv, deep, did you mean 'pre'"):
        reproduce("prr")
    with pytest.raises(ConfigError, match=r"claims='sparsty': .* did you mean 'sparsity'"):
        reproduce("pre", claims=["sparsty"])
    assert all(len({claim.name for claim in claims}) == len(claims) for claims in papers.PAPERS.values())


def test_the_command_measures_some_claims_and_the_page_shows_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = str(tmp_path / "out")
    assert main(["reproduce", "pre", "--quick", "--claims", "spectrum", "--out", place, "--quiet"]) == 0
    assert capsys.readouterr().out.startswith("YES  spectrum: ")
    assert main(["report", place]) == 0
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "claims: yes" in page
    assert "claim-spectrum" in page
    assert "inside at 7 of 7 thresholds" in page


def test_workers_come_to_the_same_and_keep_their_pieces(
    asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = reproduce("pre", quick=True)
    asked.clear()
    crew = Crew({1: 99})
    monkeypatch.setattr(executors, "crew_of", lambda *_: crew)
    found = reproduce("pre", quick=True, workers=2, out=tmp_path / "out")
    assert [row["holds"] for row in found.rows] == ["yes", "not measured", "yes"]
    assert found.rows[1]["note"] == "its worker died, 2 times"
    assert [{**row, "seconds": 0} for row in found.rows[::2]] == [{**row, "seconds": 0} for row in alone.rows[::2]]
    kept = [json.loads(line)["key"] for line in (tmp_path / "out" / "rows.jsonl").read_text().splitlines()]
    assert sorted(kept) == ["claim first", "claim third", "first: part", "third: part"]


def test_a_worker_is_told_what_is_known(asked: list[str]) -> None:
    found = papers._measured("pre", "first", True, 0, {"first: part": None})
    assert asked == ["first"]
    assert set(found["pieces"]) == {"claim first"}
