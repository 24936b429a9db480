"""Verdicts: when a line says yes, no, nothing, or that it does not apply."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hybrid_train.theory.lines.line import Line, Relation, unit_data


def line(
    relation: Relation,
    predicted: float,
    measured: float,
    *,
    missing: tuple[str, ...] = (),
    empty: str = "",
    course: bool = False,
) -> Line:
    true = measured <= predicted if relation == "<=" else measured >= predicted
    return Line("s", "q", "f", "p", relation, predicted, measured, true, missing, "a note", empty=empty, course=course)


@pytest.mark.parametrize(
    ("found", "holds"),
    [
        (line("<=", 2.0, 1.0), "yes"),
        (line(">=", 1.0, 2.0), "yes"),
        (line("<=", 1.0, 2.0), "no"),
        (line("<=", 99.0, 1.0), "yes"),
        (line("<=", 100.0, 1.0), "says nothing"),
        (line(">=", 1.0, 100.0), "says nothing"),
        (line("<=", 1.0, 0.0), "says nothing"),
        (line(">=", 0.0, 5.0), "yes"),
        (line("<=", 1.0, -0.5), "yes"),
        (line("<=", 100.0, -0.5), "says nothing"),
        (line(">=", -0.5, 100.0), "says nothing"),
        (line("<=", -0.5, -100.0), "yes"),
        (line("<=", math.inf, 1.0), "says nothing"),
        (line("<=", 1e300, 5e-324), "says nothing"),
        (line("<=", 100.0, 1.0, course=True), "yes"),
        (line("<=", 2.0, 1.0, empty="always"), "says nothing"),
        (line("<=", 1.0, 2.0, empty="always"), "no"),
        (line("<=", 2.0, 1.0, missing=("much",), empty="always"), "not applicable"),
    ],
)
def test_verdicts(found: Line, holds: str) -> None:
    assert found.holds == holds


def test_the_document_keeps_its_keys_and_says_why() -> None:
    table = line("<=", 1000.0, 1.0).as_dict()
    assert set(table) == {
        *("section", "quantity", "formula", "source", "relation", "predicted", "measured"),
        *("spread", "holds", "satisfied", "failure", "missing", "note"),
    }
    assert table["note"] == "says nothing: the bound is 1e+03 times away; a note"
    assert line("<=", 2.0, 1.0).as_dict()["note"] == "a note"


def test_unit_data() -> None:
    assert unit_data(np.eye(2)) == ()
    assert "from 1 to 2" in unit_data(np.diag([1.0, 2.0]))[0]
