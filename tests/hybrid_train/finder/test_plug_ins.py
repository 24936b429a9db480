"""Plug-ins: whatever fails in one names it, and leaves everything else as it is."""

from __future__ import annotations

import json
import pickle
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classical.scan import ScanFinder
from hybrid_train.cli import main
from hybrid_train.config import load_config
from hybrid_train.errors import ConfigError, DataError, PluginError
from hybrid_train.finder import listing, registry
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.registry import FINDERS, finder_class, finder_kinds, make_finder
from hybrid_train.finder.watching import WatchingFinder
from hybrid_train.support.registry import ENTRY_POINT_GROUP
from hybrid_train.testing import check_finder


class Good(ScanFinder):
    """Nothing is wrong with it."""

    def __init__(self, *, size: int = 3) -> None:
        super().__init__()
        self.size = size


class Fails(ScanFinder):
    """Fails in whatever it is told to."""

    def __init__(self, *, where: str = "") -> None:
        super().__init__()
        self.where = where
        self._fail("__init__")

    def _fail(self, here: str) -> None:
        if self.where == here:
            raise KeyError("a\nb")

    @property
    def promise(self) -> Any:
        self._fail("promise")
        return super().promise

    def plan(self, **planned: Any) -> None:
        self._fail("plan")

    def build(self, *banks: Any) -> None:
        self._fail("build")
        super().build(*banks)

    def find(self, rows: Any = None) -> ActiveSets:
        self._fail("find")
        return super().find(rows)

    def move_points(self, rows: Any, points: Any) -> None:
        self._fail("move_points")

    def move_queries(self, rows: Any, queries: Any) -> None:
        self._fail("move_queries")


class Answers(ScanFinder):
    """Answers with something else than sets of these banks."""

    def __init__(self, *, answer: str = "list") -> None:
        super().__init__()
        self.answer = answer

    def find(self, rows: Any = None) -> Any:
        one, none = np.ones(1), np.arange(2)
        return {
            "list": [],
            "shape": ActiveSets(none, np.zeros(1), one, (1, 1)),
            "index": ActiveSets(np.array([0, 1, 1]), np.array([7]), one, (2, 3)),
            "row": ActiveSets(none, np.zeros(1), one, (2, 3), np.array([-1])),
            "arrays": None if self.answer != "arrays" else ActiveSets(np.zeros(9), np.zeros(1), one, (2, 3)),
        }[self.answer]


class NoCost(ScanFinder):
    """Does not call super().__init__()."""

    def __init__(self) -> None:
        pass


class Abstract(WatchingFinder):
    """Does not define what it has to."""


class Unreadable(ScanFinder):
    """Its options cannot be read."""

    def __init__(self, *, size: NoSuchType = 3) -> None:  # type: ignore[name-defined]  # noqa: F821
        super().__init__()


HERE = __name__
PLACES = {
    "good": f"{HERE}:Good",
    "fails": f"{HERE}:Fails",
    "answers": f"{HERE}:Answers",
    "no_cost": f"{HERE}:NoCost",
    "abstract": f"{HERE}:Abstract",
    "unreadable": f"{HERE}:Unreadable",
    "gone": "no_such_module:Finder",
    "fraction": "fractions:Fraction",
    "nonsense": "no colon",
    "scan": "somewhere:Else",
}


@pytest.fixture(autouse=True)
def _plug_ins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, text in {"divides": "1 / 0", "leaves": "raise SystemExit('bye')", "typo": "x = ("}.items():
        (tmp_path / f"{name}.py").write_text(text)
        PLACES[name] = f"{name}:Finder"
    monkeypatch.syspath_prepend(tmp_path)
    points = [EntryPoint(name, place, ENTRY_POINT_GROUP) for name, place in PLACES.items()]
    points += [EntryPoint("twice", f"{HERE}:{cls}", ENTRY_POINT_GROUP) for cls in ("Good", "Fails")]
    for module in (registry, listing):
        monkeypatch.setattr(module, "entry_points", lambda group: points)


UNLOADABLE = {
    "gone": "ModuleNotFoundError",
    "fraction": "not an ActiveSetFinder",
    "nonsense": "cannot load no colon",
    "divides": "ZeroDivisionError: division by zero",
    "leaves": "SystemExit: bye",
    "typo": "SyntaxError",
    "abstract": "does not define build, find",
    "unreadable": "NoSuchType",
    "twice": "several plug-ins have this name: .*Good.*Fails",
}


@pytest.mark.parametrize(("kind", "words"), UNLOADABLE.items())
def test_what_cannot_be_loaded_is_named(kind: str, words: str) -> None:
    with pytest.raises(ConfigError, match=f"'{kind}'.*{words}"):
        make_finder(kind)
    with pytest.raises(ConfigError, match=f"'{kind}'.*{words}"):
        load_config({"data": {"kind": "sphere", "n": 8}, "finder": {"kind": kind}})


def test_the_cause_is_kept() -> None:
    with pytest.raises(ConfigError) as caught:
        make_finder("divides")
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def _use(kind: str, **options: Any) -> None:
    finder = make_finder(kind, seed=1, **options)
    assert finder.promise.exact
    finder.build(np.ones((3, 2)), np.ones((2, 2)), 0.5)
    finder.find()
    finder.move_points([0], np.ones((1, 2)))
    finder.move_queries([0], np.ones((1, 2)))


@pytest.mark.parametrize("where", ["__init__", "plan", "promise", "build", "find", "move_points", "move_queries"])
def test_what_fails_at_work_is_named(where: str) -> None:
    with pytest.raises(PluginError, match=rf"^finder 'fails' \(\S+:Fails\) failed in {where}: KeyError: ") as caught:
        _use("fails", where=where)
    assert isinstance(caught.value.__cause__, KeyError)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("answer", ["list", "shape", "index", "row", "arrays"])
def test_what_answers_wrongly_is_named(answer: str) -> None:
    with pytest.raises(PluginError, match="finder 'answers'"):
        _use("answers", answer=answer)


def test_one_without_cost_is_named() -> None:
    with pytest.raises(PluginError, match=r"'no_cost'.*has no simulation after build; call super\(\)"):
        _use("no_cost")


def test_a_good_one_works_as_ever() -> None:
    finder: Any = make_finder("good", size=4)
    assert isinstance(finder, Good)
    assert finder.size == 4
    with pytest.raises(DataError, match="threshold"):
        finder.build(np.ones((3, 2)), np.ones((2, 2)), np.nan)
    again = pickle.loads(pickle.dumps(finder))
    assert again.size == 4
    assert type(again) is type(finder)
    check_finder(lambda: make_finder("good"))


def test_our_own_are_not_disguised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FINDERS, "ours", f"{HERE}:Fails")
    assert finder_class("ours") is Fails
    with pytest.raises(KeyError):
        _use("ours", where="find")


class TestCommandLine:
    def test_all_are_listed(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["finders"]) == 0
        shown = capsys.readouterr()
        lines = [line.split() for line in shown.out.split("\n")]
        for kind in UNLOADABLE:
            assert [kind, "cannot", "be", "loaded"] in [line[:4] for line in lines]
        assert ["good.size", "3"] in lines
        assert ["scan", "exact"] in [line[:2] for line in lines]
        assert "finder 'scan' (somewhere:Else) is passed over: the name is taken" in shown.err

    def test_json_has_the_errors(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["finders", "--json"]) == 0
        listed = {finder["name"]: finder for finder in json.loads(capsys.readouterr().out)["finders"]}
        assert set(listed) == set(finder_kinds())
        assert "ZeroDivisionError" in listed["divides"]["error"]

    def test_a_run_names_it(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        config = tmp_path / "config.toml"
        config.write_text('[data]\nkind = "sphere"\nn = 8\ndim = 4\n[network]\nwidth = 16\n[training]\nsteps = 1\n')
        assert main(["run", str(config), "--quiet", "--set", "finder.kind=fails", "--set", "finder.where=find"]) == 1
        assert capsys.readouterr().err.count("finder 'fails'") == 1
        assert main(["run", str(config), "--quiet", "--set", "finder.kind=scan"]) == 0
