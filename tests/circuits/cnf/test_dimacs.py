from __future__ import annotations

import os
from pathlib import Path

import pytest

from circuits.cnf import Formula, read_dimacs
from hybrid_train.errors import DataError


def written(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "formula.cnf"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("c a comment\np cnf 3 2\n1 -3 0\n2 3 -1 0\n", ((1, -3), (2, 3, -1))),
        ("p cnf 3 2\n1\n-3 0 2 3\nc within\n-1 0", ((1, -3), (2, 3, -1))),
        ("p  cnf\t3 1\r\n2 2 -2 0\r\n%\n0\n\n", ((2, -2),)),
        ("p cnf 3 2\n0\n1 0\n", ((), (1,))),
        ("p cnf 3 0\n", ()),
    ],
)
def test_reads_what_the_format_allows(text: str, clauses: tuple[tuple[int, ...], ...], tmp_path: Path) -> None:
    assert read_dimacs(written(tmp_path, text)) == Formula(3, clauses)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1: expected 'p cnf"),
        ("1 2 0\n", "line 1: expected 'p cnf"),
        ("p sat 3 2\n", "expected 'p cnf"),
        ("p cnf 3\n", "expected 'p cnf"),
        ("p cnf 3 x\n", "expected whole numbers, got 'x'"),
        ("p cnf 0 0\n", "0 variables"),
        ("p cnf 63 0\n", "63 variables"),
        ("p cnf -1 0\n", "-1 variables"),
        ("p cnf 999999999999999999 1\n1 0\n", "999999999999999999 variables"),
        ("p cnf 3 9999999999\n1 0\n", "9999999999 clauses do not fit"),
        (f"p cnf 3 {'9' * 5000}\n", "expected whole numbers"),
        ("p cnf 3 1\n1 4 0\n", "line 2: literal 4"),
        ("p cnf 3 1\n1 2\n", "does not end with 0"),
        ("p cnf 3 2\n1 2 0\n", "1 clauses, but the line 'p' names 2"),
        ("p cnf 3 1\n1 0 2 0\n", "more clauses than the 1"),
        ("p cnf 3 1\n1 0\np cnf 3 1\n", "a second line 'p'"),
        ("p cnf 3 1\n1 ٣ 0\n", "expected whole numbers"),
        ("p cnf 3 1\n1 --2 0\n", "expected whole numbers"),
        (b"p cnf 3 1\n\xff\xfe 0\n", "not UTF-8"),
        (b"\x00\x01\x02", "NUL"),
    ],
)
def test_refuses_anything_else_in_one_line(text: str | bytes, words: str, tmp_path: Path) -> None:
    path = written(tmp_path, text)
    with pytest.raises(DataError) as caught:
        read_dimacs(path)
    message = str(caught.value)
    assert words in message
    assert str(path) in message
    assert "\n" not in message


def test_refuses_what_is_no_file_or_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_dimacs(tmp_path / "none.cnf")
    with pytest.raises(DataError, match="a directory"):
        read_dimacs(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="a pipe"):
        read_dimacs(tmp_path / "pipe")
    path = written(tmp_path, "p cnf 3 1\n1 0\n")
    monkeypatch.setattr("circuits.cnf.dimacs._LARGEST", 4)
    with pytest.raises(DataError, match="too large"):
        read_dimacs(path)
