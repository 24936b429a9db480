"""Tests stand where their modules do."""

from __future__ import annotations

from pathlib import Path

TESTS = Path(__file__).parent
ELSEWHERE = {"docs", "examples", "support", "together"}
"""Tests of the documentation and the examples, what tests share, and tests of several packages."""


def mirrors(file: Path) -> bool:
    """Whether test_x.py lies in tests/a/b for the module a/b/x.py, the package a/b/x, or the whole of the package x."""
    folder = TESTS.parent / file.relative_to(TESTS).parent
    name = file.stem.removeprefix("test_")
    return (folder / f"{name}.py").exists() or (folder / name / "__init__.py").exists() or folder.name == name


def test_every_file_of_tests_lies_beside_its_module() -> None:
    files = [file for file in TESTS.glob("*/**/test_*.py") if file.relative_to(TESTS).parts[0] not in ELSEWHERE]
    assert len(files) > 50
    assert [str(file.relative_to(TESTS)) for file in files if not mirrors(file)] == []


def test_a_file_beside_no_module_would_be_seen() -> None:
    assert mirrors(TESTS / "hybrid_train" / "finder" / "test_bank.py")
    assert mirrors(TESTS / "circuits" / "test_engines.py")
    assert mirrors(TESTS / "circuits" / "engines" / "test_engines.py")
    assert not mirrors(TESTS / "hybrid_train" / "finder" / "test_banks.py")
    assert not mirrors(TESTS / "hybrid_train" / "memory" / "test_guard.py")
