from __future__ import annotations

import json
import runpy
import warnings
from pathlib import Path

import matplotlib as mpl
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(autouse=True)
def no_window(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the pictures that would be shown."""
    mpl.use("agg")
    from matplotlib import pyplot

    shown: list[int] = []

    def show() -> None:
        shown.append(pyplot.gcf().number)
        pyplot.close("all")

    monkeypatch.setattr(pyplot, "show", show)
    return shown


def cells(notebook: Path) -> list[tuple[str, str]]:
    """Return (kind, source) of each cell."""
    document = json.loads(notebook.read_text(encoding="utf-8"))
    return [(cell["cell_type"], "".join(cell["source"])) for cell in document["cells"]]


@pytest.mark.slow
def test_the_notebook_runs_from_top_to_bottom(no_window: list[int], capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {"__name__": "__main__"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind, source in cells(EXAMPLES / "tour.ipynb"):
            if kind == "code":
                exec(compile(source, "tour.ipynb", "exec", dont_inherit=True), names)
    assert len(no_window) == 6
    assert "oracle calls" in capsys.readouterr().out


def test_the_notebook_is_the_script() -> None:
    jupytext = pytest.importorskip("jupytext")
    script = jupytext.read(EXAMPLES / "tour.py")
    assert cells(EXAMPLES / "tour.ipynb") == [(cell.cell_type, cell.source) for cell in script.cells]


def test_a_finder_of_ones_own_agrees_with_the_scan(capsys: pytest.CaptureFixture[str]) -> None:
    from hybrid_train.finder.registry import FINDERS

    before = dict(FINDERS)
    try:
        runpy.run_path(str(EXAMPLES / "own_finder.py"), run_name="__main__")
    finally:
        FINDERS.clear()
        FINDERS.update(before)
    first, _, *rows = capsys.readouterr().out.splitlines()
    assert first.endswith("checks passed")
    outcome = [row.split() for row in rows]
    assert [row[1] for row in outcome] == ["scan", "norms"] * 3
    assert all(row[2] == "1.0" for row in outcome)
    assert all(one[3] == other[3] for one, other in zip(outcome[::2], outcome[1::2], strict=True))
