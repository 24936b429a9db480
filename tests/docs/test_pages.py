"""Every code block of the documentation and of the README runs, and prints what the page says."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.pages import ROOT, Reader, blocks_of

PAGES = sorted(path for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts and blocks_of(path))


@pytest.fixture
def at_the_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in a folder that has the examples."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("at_the_source")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_of_the_page_runs(page: Path) -> None:
    reader = Reader(page)
    reader.read()
    assert reader.ran


@pytest.mark.usefixtures("at_the_source")
@pytest.mark.parametrize(
    "text",
    [
        "```python\nassert 1 == 2\n```\n",
        "```console\n$ hybrid-train run nowhere.toml\n```\n",
        "```console\n$ hybrid-train finders\nscan: approximate\n...\n```\n",
        "```console\n$ hybrid-tarin finders\n```\n",
        '```toml\n[data]\nkind = "spehre"\n```\n',
    ],
)
def test_a_page_that_is_wrong_is_refused(text: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)
    with pytest.raises((AssertionError, ValueError)):
        Reader(page).read()
