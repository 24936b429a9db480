"""The registry: names, options, plug-ins."""

from __future__ import annotations

import os
import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import pytest

from classical.scan import ScanFinder
from hybrid_train.errors import ConfigError
from hybrid_train.finder import registry
from hybrid_train.finder.registry import FINDERS, finder_kinds, finder_options, make_finder
from hybrid_train.support.registry import ENTRY_POINT_GROUP


def test_a_finder_is_made_by_name() -> None:
    assert isinstance(make_finder("scan"), ScanFinder)


def test_unknown_names_and_options_are_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"'scam'.*did you mean 'scan'"):
        make_finder("scam")
    with pytest.raises(ConfigError, match=r"finder\.leaf_sise=3: unknown key, did you mean 'leaf_size'"):
        make_finder("hsr", leaf_sise=3)
    with pytest.raises(ConfigError, match=r"finder\.leaf_size='big'"):
        make_finder("hsr", leaf_size="big")


def test_all_errors_at_once() -> None:
    with pytest.raises(ConfigError) as error:
        make_finder("hsr", leaf_size=0, leafs=1)
    assert "leaf_size=0" in str(error.value)
    assert "leafs" in str(error.value)


def test_options_are_read_off_the_class() -> None:
    assert "leaf_size" in finder_options("hsr").model_fields
    assert not finder_options("scan").model_fields


def test_plug_ins_come_by_entry_point_but_do_not_take_built_in_names(monkeypatch: pytest.MonkeyPatch) -> None:
    plug_ins = [
        EntryPoint("mine", "classical.scan:ScanFinder", ENTRY_POINT_GROUP),
        EntryPoint("scan", "somewhere.else:Finder", ENTRY_POINT_GROUP),
        EntryPoint("broken", "no_such_module:Finder", ENTRY_POINT_GROUP),
        EntryPoint("wrong", "fractions:Fraction", ENTRY_POINT_GROUP),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: plug_ins)
    assert finder_kinds()["scan"] == FINDERS["scan"]
    assert isinstance(make_finder("mine"), ScanFinder)
    with pytest.raises(ConfigError, match="cannot load no_such_module:Finder"):
        make_finder("broken")
    with pytest.raises(ConfigError, match="not an ActiveSetFinder"):
        make_finder("wrong")


def test_distributions_are_asked_again_only_once_one_may_have_come(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = []

    def counted(group: str) -> Any:
        asked.append(group)
        return entry_points(group=group)

    monkeypatch.setattr(registry, "entry_points", counted)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    for _ in range(3):
        assert "late" not in finder_kinds()
    assert len(asked) == 1
    information = tmp_path / "late-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: late\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(f"[{ENTRY_POINT_GROUP}]\nlate = classical.scan:ScanFinder\n")
    os.utime(tmp_path, ns=(1, 1))
    assert isinstance(make_finder("late"), ScanFinder)
    assert "late" in finder_kinds()
    assert len(asked) == 2
