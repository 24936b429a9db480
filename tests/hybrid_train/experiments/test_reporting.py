"""The page of a results directory: whole by itself, small, of every kind, whatever the files say."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import hybrid_train
from hybrid_train.cli import main
from hybrid_train.errors import CheckpointError, ConfigError
from hybrid_train.experiments.reporting import write_report
from hybrid_train.report.page import Subject, page_html
from hybrid_train.report.page.contents import tables
from hybrid_train.support.files import file_digest
from tests.support.browser import browser

CONFIG: dict[str, Any] = {
    "data": {"kind": "sphere", "n": 6, "dim": 4},
    "network": {"width": 64},
    "training": {"steps": 4},
    "finder": {"kind": "scan"},
}
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7 * 7 }}\x00\ud800"


@pytest.fixture(scope="module")
def directories(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("results")
    found = {name: folder / name for name in ("run", "compare", "count", "theory")}
    hybrid_train.run(CONFIG, out=found["run"])
    hybrid_train.compare(CONFIG, ["scan", "hsr"], indexes=["neurons", "data"], out=found["compare"])
    hybrid_train.count_oracle_calls([16, 64, 2**30], ["known_k", "bbht"], counts=3, trials=4, out=found["count"])
    hybrid_train.check_theory(CONFIG, costs=False, out=found["theory"])
    return found


class Parsed(HTMLParser):
    """What a page has: tags with their attributes, and the text of style and script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open = tag
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self._open in {"style", "script"}:
            self.texts[self._open] = self.texts.get(self._open, "") + data

    def handle_endtag(self, tag: str) -> None:
        self._open = ""


def figures_cut(page: str) -> str:
    return re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL)


@pytest.mark.parametrize("kind", ["run", "compare", "count", "theory"])
def test_a_page_is_whole_small_and_closed(directories: dict[str, Path], tmp_path: Path, kind: str) -> None:
    page = write_report(directories[kind], tmp_path / "page.html").read_text(encoding="utf-8")
    parsed = Parsed(page)
    assert len(figures_cut(page).encode()) < 150_000
    assert page.count("<svg") >= 1
    assert "<title>" in page.split("<svg", 1)[1]
    policy = next(given["content"] for tag, given in parsed.tags if given.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    for name in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(parsed.texts[name].encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy
    identities = [given["id"] for _, given in parsed.tags if "id" in given]
    assert len(set(identities)) == len(identities)
    for tag, given in parsed.tags:
        assert "style" not in given
        assert not [key for key in given if key.startswith("on")]
        for key in ("src", "href"):
            assert (given.get(key) or "#").startswith("#"), tag
    for heading in ("Results", "Figures", "What the costs mean", "How to reproduce it", "What to cite"):
        assert heading in page


def test_a_check_over_several_starts_shows_how_often_lines_failed(tmp_path: Path) -> None:
    config = CONFIG | {"network": {"width": 16}, "training": {"steps": 2}}
    found = hybrid_train.check_theory(config, costs=False, seeds=2, out=tmp_path / "out")
    page = write_report(tmp_path / "out").read_text(encoding="utf-8")
    assert "Over several starts" in page
    assert "hybrid-train theory config.toml --no-costs --seeds 2 --out" in page
    told = html.unescape(page.split("Over several starts", 1)[1])
    assert all(row.quantity in told for row in found.repeated if row.starts)


def test_a_crossover_shows_error_corrected_qubits() -> None:
    row = {"width": 1 << 20, "strategy": "adaptive", "model": "qubit_gate_ns_e3", "code_distance": 29, "reason": None}
    rows = [{"strategy": "adaptive", "rival": "scan", "column": "calls", "width": 64, "reason": None}]
    document = {"rows": rows, "physical": [row | {"physical_qubits": 1_150_000, "seconds": 7e6, "scan_seconds": 1e-3}]}
    _, shown = tables(Subject("crossover", "c", document), 10)
    assert (shown.title, len(shown.rows)) == ("A query on error-corrected qubits", 1)


def test_the_same_directory_gives_the_same_page(directories: dict[str, Path], tmp_path: Path) -> None:
    one, other = (write_report(directories["compare"], tmp_path / name).read_bytes() for name in ("a", "b"))
    assert one == other


def test_the_command_of_the_page_repeats_a_count(directories: dict[str, Path], tmp_path: Path) -> None:
    page = write_report(directories["count"], tmp_path / "page.html").read_text(encoding="utf-8")
    assert "hybrid-train count --widths 16,64,1073741824 --strategies known_k,bbht" in page
    assert " --counts 3,3,3 " in page
    assert "2^30" in page
    command = re.search(r"hybrid-train (count [^<]*) --out results/again", page)
    assert command is not None
    out = tmp_path / "again"
    assert main([*command[1].split(), "--out", str(out), "--quiet"]) == 0
    rows = [json.loads((folder / "summary.json").read_text())["rows"] for folder in (directories["count"], out)]
    assert rows[0] == rows[1]


def test_the_command_writes_into_the_directory(
    directories: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(directories["run"]), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert Path(told["page"]) == directories["run"] / "report.html"
    assert told["bytes"] > 1000
    assert hybrid_train.read_run(directories["run"]).summary is not None  # a page is no damage


def test_what_is_no_result_is_refused(directories: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="holds no results"):
        write_report(tmp_path)
    with pytest.raises(ConfigError, match="is a directory"):
        write_report(directories["run"], tmp_path)


@pytest.mark.parametrize("kind", ["compare", "count"])
def test_another_summary_than_was_written_is_refused(tmp_path: Path, kind: str) -> None:
    if kind == "count":
        hybrid_train.count_oracle_calls([16], ["known_k"], counts=3, trials=2, out=tmp_path / "d")
    else:
        hybrid_train.compare(CONFIG, ["scan"], out=tmp_path / "d")
    summary = tmp_path / "d" / "summary.json"
    summary.write_text(summary.read_text().replace("known_k", "bbht").replace('"scan"', '"hsr"'))
    with pytest.raises(CheckpointError, match=r"summary\.json: not what was written|shorter"):
        write_report(tmp_path / "d")


@pytest.mark.parametrize(
    "value",
    [HOSTILE, 10**400, {"a": [HOSTILE]}, [[[]]], True, -1e308],
    ids=["markup", "huge", "table", "lists", "flag", "least"],
)
def test_whatever_a_summary_says_is_shown_and_never_obeyed(tmp_path: Path, value: Any) -> None:
    hybrid_train.compare(CONFIG, ["scan"], out=tmp_path / "d")
    folder = tmp_path / "d"
    document = json.loads((folder / "summary.json").read_text())
    row = document["rows"][0]
    document["rows"] = [row | dict.fromkeys(row, value), {**row, HOSTILE[:30]: value}, value, row | {"finder": value}]
    document |= {"notes": [value, HOSTILE], "error": value, "fired": value, "versions": {HOSTILE[:9]: value}}
    text = json.dumps(document)
    (folder / "summary.json").write_text(text)
    manifest = json.loads((folder / "manifest.json").read_text())
    size, digest = file_digest(folder / "summary.json")
    manifest["files"]["summary.json"] = {"bytes": size, "sha256": digest}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    page = write_report(folder).read_text(encoding="utf-8")
    assert page.count("<script") == 1
    assert "<img" not in page
    assert ">49<" not in page


def test_a_page_stays_small_however_much_there_is() -> None:
    rows = [
        {"finder": "x" * 300, "index": "neurons", "final_loss": float(n), "promise": "y" * 500} for n in range(4000)
    ]
    document = {"rows": rows, "notes": ["z" * 5000] * 400, "config": {"a": {str(n): "v" * 300 for n in range(900)}}}
    page = page_html(Subject("compare", "d" * 900, document, config="c" * 10**6, again="e" * 10**5, bibtex="b" * 10**5))
    assert len(figures_cut(page).encode()) <= 150_000
    assert "rows are left out here" in page


@pytest.mark.slow
def test_a_browser_shows_sorts_filters_and_finds_no_fault(directories: dict[str, Path], tmp_path: Path) -> None:
    axe = pytest.importorskip("axe_core_python.selenium", reason="no axe-core-python here")
    pages = {kind: write_report(path, tmp_path / f"{kind}.html") for kind, path in directories.items()}
    for width in (1400, 390):
        with browser(width) as chrome:
            for kind, page in pages.items():
                chrome.get(page.as_uri())
                assert [entry["message"] for entry in chrome.get_log("browser")] == [], kind
                assert chrome.execute_script("return document.documentElement.scrollWidth") <= width, kind
                faults = axe.Axe().run(chrome)["violations"]
                assert [(fault["id"], fault["nodes"][0]["html"]) for fault in faults] == [], kind
    with browser() as chrome:
        chrome.get(pages["count"].as_uri())
        shown = "Array.from(document.querySelectorAll('table.data tbody')[0].rows).filter(r => !r.hidden)"
        first = f"return {shown}.map(r => r.cells[0].textContent)"
        press = "document.querySelectorAll('table.data th button')[0].click()"
        chrome.execute_script(press)
        chrome.execute_script(press)
        assert chrome.execute_script(first) == ["2^30", "2^30", "64", "64", "16", "16"]
        texts = chrome.execute_script(f"return {shown}.map(r => [r.cells[0].textContent, r.textContent])")
        found = [width for width, text in texts if "bbht" in text and "64" in text]
        assert "64" in found
        assert len(found) < len(texts)
        chrome.find_element("css selector", ".filter input").send_keys("bbht 64")
        assert chrome.execute_script(first) == found
        told = chrome.execute_script("return document.querySelector('.values title').textContent")
        assert "oracle calls to find all" in told
        assert re.search(r": \d", told)


@pytest.mark.slow
def test_a_page_is_read_without_script_and_prints(directories: dict[str, Path], tmp_path: Path) -> None:
    page = write_report(directories["compare"], tmp_path / "page.html")
    with browser(script=False) as chrome:
        chrome.get(page.as_uri())
        assert len(chrome.find_elements("css selector", "table.data tbody tr")) == 6
        assert chrome.find_elements("css selector", ".filter") == []
        printed = chrome.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"]
        document = base64.b64decode(printed)
        assert re.search(rb"/MediaBox \[0 0 59[45]\.?\d* 84[12]", document)  # A4
