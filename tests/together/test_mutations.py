"""The list of small mistakes that ``make mutants`` makes: each still applies, and changes what it is about."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from tests.support.mutants import Mutation, mutations

ALL = mutations()


def test_there_are_many_and_each_has_a_name_of_its_own() -> None:
    assert len(ALL) >= 60
    assert [name for name, times in Counter(one.name for one in ALL).items() if times > 1] == []
    assert {one.file.partition("/")[0] for one in ALL} == {"hybrid_train", "classical", "circuits"}


def test_every_mutation_applies() -> None:
    assert [f"{one.name}: {fault}" for one in ALL if (fault := one.fault())] == []


def test_every_mutation_is_another_program() -> None:
    for one in ALL:
        path = Path(one.file)
        text = (Path(__file__).parents[2] / path).read_text(encoding="utf-8")
        mutant = ast.parse(text.replace(one.old, one.new))
        assert ast.dump(mutant) != ast.dump(ast.parse(text)), one.name


@pytest.mark.parametrize(("old", "times"), [("nowhere", 0), ("def ", 2)])
def test_one_that_does_not_apply_is_told(tmp_path: Path, old: str, times: int) -> None:
    (tmp_path / "a.py").write_text("def f(): pass\ndef g(): pass\n", encoding="utf-8")
    fault = Mutation("x", "x", "a.py", old, "new", "", ()).fault(tmp_path)
    assert fault == f"its text is found {times} times in a.py"
