"""Tables as pandas and others write them: headers, index columns, separators, packing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hybrid_train.data import from_file, read_examples
from hybrid_train.data.header import has_header
from hybrid_train.errors import ConfigError, DataError

INPUTS = np.random.default_rng(0).standard_normal((30, 4))
LABELS = np.arange(30) % 3
FRAME = pd.DataFrame(np.column_stack([INPUTS, LABELS]))
UNIT = INPUTS / np.linalg.norm(INPUTS, axis=1, keepdims=True)


def written(folder: Path, frame: pd.DataFrame, name: str = "a.csv", **options: Any) -> Path:
    frame.to_csv(folder / name, **options)
    return folder / name


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.csv", {"index": False}),
        ("a.csv", {}),
        ("a.csv", {"header": False, "index": False}),
        ("a.tsv", {"index": False, "sep": "\t"}),
        ("a.csv.gz", {"index": False}),
        ("a.TSV.gz", {"sep": "\t"}),
        ("a.csv", {"index": False, "encoding": "utf-16"}),
        ("a.csv", {"index": False, "lineterminator": "\r"}),
    ],
)
def test_what_pandas_writes_of_an_array_is_read_as_that_array(
    tmp_path: Path, name: str, options: dict[str, Any]
) -> None:
    data = from_file(written(tmp_path, FRAME, name, **options))
    assert np.allclose(data.inputs, UNIT, atol=1e-15)
    assert (data.classes, data.targets.tolist()) == (3, LABELS.tolist())
    assert any("names of the columns" in note for note in data.notes) == (options.get("header") is not False)
    assert any("numbers the rows and is left out" in note for note in data.notes) == ("index" not in options)


def test_a_named_column_beside_numbered_ones_makes_a_header(tmp_path: Path) -> None:
    named = pd.DataFrame(INPUTS).assign(target=LABELS)
    assert len(from_file(written(tmp_path, named, index=False), target="target")) == 30
    words = pd.DataFrame(INPUTS).assign(kind=np.array(["a", "b", "c"])[LABELS])
    data = from_file(written(tmp_path, words, index=False), labels="classes")
    assert (len(data), data.classes) == (30, 3)


@pytest.mark.parametrize(
    ("first", "below", "header"),
    [
        ("a,b,y", "1,2,3", True),
        ("0,1,2", "1,2,3", True),
        (",0,1", "0,2,3", True),
        ("0,last,2", "1,2,3", True),
        ("label,1,2", "0,2,3", True),
        ("0,target", "0.5,1", True),
        ("0,rose", "0.5,iris", False),
        ("0,1,rose", "3,4,rose", False),
        ("1,2,3", "3,4,5", False),
        ("0.0,1.0", "3,4", False),
        ("1,two,y", "3,4,5", False),
        ("2001,2002", "3,4", False),
    ],
)
def test_when_a_line_is_a_header(first: str, below: str, header: bool) -> None:
    assert has_header(first.split(","), [below.split(",")], "auto")[0] is header
    for said in (True, False):
        assert has_header(first.split(","), [below.split(",")], said) == (said, "")


def test_the_caller_may_know_better(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("0,1\n1,0\n2,1\n", encoding="utf-8")
    assert len(from_file(path)) == 2
    with pytest.raises(DataError, match="row 0 is all zeros"):
        from_file(path, header=False)
    years = written(tmp_path, pd.DataFrame({"2001": [1, 2], "2002": [0, 1]}), "years.csv", index=False)
    assert len(from_file(years, labels="real")) == 3
    assert len(from_file(years, header=True)) == 2
    assert len(from_file(written(tmp_path, FRAME, index=False), header=True)) == 30
    with pytest.raises(ConfigError, match="header='yes'"):
        from_file(path, header="yes")


def test_a_column_called_last_is_not_passed_over(tmp_path: Path) -> None:
    path = written(tmp_path, pd.DataFrame({"last": [1, 2, 3], "b": [1, 1, 2], "c": [4, 5, 6]}), index=False)
    with pytest.raises(ConfigError, match=r"target=0 for it or target=-1 for the last column"):
        from_file(path)
    assert from_file(path, target=-1, labels="real").targets.tolist() == [4, 5, 6]


def test_an_index_of_another_name_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, pd.DataFrame({"id": [1, 2, 3], "b": [1, 1, 2], "c": [4, 5, 4]}), index=False)
    data = from_file(path)
    assert data.dimension == 2
    assert "the first column of the inputs numbers the rows and is taken as an input" in data.notes[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,5;2\n3,5;4\n", "line 1 has one column|is not a number"),
        ("a;b\n1,5;2\n", "column 0 .'a'.: '1,5' is not a number; write decimals with a point"),
        ("a,b\nx y,2\nz,3\n", "column 0 .'a'.: 'x y' is not a number; inputs are numbers: leave the column out"),
        ("a,b\n1,2\n,3\n", "line 3, column 0 .'a'.: '' is not a number, a cell is missing; remove or fill in the row"),
        ("1,2\n3,setosa\n", "'setosa' is not a number; labels='classes' takes words as classes"),
        ("1,two,3\n1,2,3\n", "if this line names the columns, header=true says so"),
        ("True,1\nFalse,2\n", "line 1, column 0: 'True' is not a number; write 1 and 0"),
        ("1,2\n1_0,2\n", "'1_0' is not a number"),
        ("1,2\x00\n3,4\n", "NUL bytes"),
        ("1,2\n3,\x1b[31m\n", r"'\\x1b\[31m' is not a number"),
    ],
)
def test_a_refusal_says_what_to_do(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        from_file(tmp_path / "a.csv")


def test_classes_that_no_float_tells_apart_stay_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("1,0,9007199254740992\n0,1,9007199254740993\n1,1,9007199254740994\n", encoding="utf-8")
    assert from_file(path, labels="classes").targets.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("targets", "note"),
    [
        (5 * (LABELS > 0), "targets 0.0, 5.0 are taken as the classes -1 and +1; labels='real'"),
        (LABELS * 3, "are taken as classes 0..2; labels='real'"),
        (LABELS[:, None], r"of shape (30, 1) are taken as (30,)"),
        (np.eye(3)[LABELS], "a single 1"),
        (np.where(np.arange(30) == 4, 7, LABELS), "class 7.0 has one row only"),
    ],
)
def test_nothing_is_made_of_targets_without_a_word(tmp_path: Path, targets: Any, note: str) -> None:
    np.savez(tmp_path / "a.npz", X=INPUTS, Y=targets)
    assert any(note in told for told in from_file(tmp_path / "a.npz").notes)
    np.savez(tmp_path / "b.npz", x=INPUTS, y=2.0 * (LABELS > 0) - 1.0)
    assert from_file(tmp_path / "b.npz").notes == ()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": INPUTS + 1j, "y": LABELS}, "inputs must be real numbers, got complex128"),
        ({"x": INPUTS, "y": LABELS + 1j}, "targets must be numbers"),
        ({"x": INPUTS.astype("datetime64[s]"), "y": LABELS}, "inputs must be real numbers"),
        ({"x": INPUTS.reshape(30, 2, 2), "y": LABELS}, r"x.reshape\(len\(x\), -1\)"),
        ({"x": INPUTS, "y": LABELS.astype(str)}, "labels='classes' takes words"),
        ({"x_train": INPUTS, "y": LABELS}, "arrays there: x_train, y; numpy.savez"),
    ],
)
def test_what_numpy_would_convert_is_refused(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError, match=message):
        from_file(tmp_path / "a.npz")


def test_words_in_an_archive_and_a_table_of_numpy(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=INPUTS, y=np.array(["p", "q", "r"])[LABELS])
    assert from_file(tmp_path / "a.npz", labels="classes").targets.tolist() == LABELS.tolist()
    np.save(tmp_path / "a.npy", FRAME.to_numpy())
    data = from_file(tmp_path / "a.npy")
    assert np.allclose(data.inputs, UNIT)
    assert data.targets.tolist() == LABELS.tolist()
    assert from_file(tmp_path / "a.npy", target=0).targets.tolist() == INPUTS[:, 0].tolist()
    with pytest.raises(ConfigError, match="has 5 columns"):
        from_file(tmp_path / "a.npy", target=5)


PEOPLE = pd.DataFrame(
    {"age": [20.0, 30, 40, 50, 60, 70], "pay": [1e3, 2e3, 1e3, 3e3, 2e3, 1e3], "job": ["cook", "smith"] * 3}
)


@pytest.mark.parametrize("options", [{"sep": ";"}, {"sep": "\t"}, {"index": False}, {"sep": ";", "index": False}])
def test_what_people_write_is_read_as_they_mean_it(tmp_path: Path, options: dict[str, Any]) -> None:
    examples = read_examples(written(tmp_path, PEOPLE, **options))
    assert (examples.columns, examples.target, examples.labels) == (("age", "pay"), "job", ("cook", "smith"))
    assert examples.inputs.tolist() == PEOPLE[["age", "pay"]].to_numpy().tolist()
    assert examples.targets.tolist() == [-1, 1] * 3
    assert any("semicolons" in note for note in examples.notes) == (options.get("sep") == ";")


def test_an_index_of_names_is_left_out(tmp_path: Path) -> None:
    named = PEOPLE.set_axis(["Ann", "Bob", "Cy", "Di", "Ed", "Flo"])
    examples = read_examples(written(tmp_path, named))
    assert examples.columns == ("age", "pay")
    assert examples.notes[0] == "a.csv: column 0, '', names the rows and is left out"


def test_columns_are_chosen_by_name_or_number(tmp_path: Path) -> None:
    path = written(tmp_path, PEOPLE, index=False)
    assert read_examples(path, target="age", columns=["pay"]).inputs[:, 0].tolist() == PEOPLE["pay"].tolist()
    assert read_examples(path, columns=[1, "age"]).columns == ("pay", "age")
    with pytest.raises(ConfigError, match=r"columns='ages'.*did you mean 'age'"):
        read_examples(path, columns=["ages"])
    with pytest.raises(ConfigError, match="'job' is the target"):
        read_examples(path, columns=["age", "job"])
    with pytest.raises(ConfigError, match="there twice"):
        read_examples(path, columns=["age", 0])
    with pytest.raises(DataError, match=r"column 2 \('job'\): 'cook' is not a number; inputs are numbers: leave"):
        read_examples(path, target="age")
    np.save(tmp_path / "a.npy", INPUTS)
    assert read_examples(tmp_path / "a.npy", columns=[2, 0]).inputs.tolist() == INPUTS[:, [2, 0]].tolist()


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("pay", [1.0, 2.0, None, 4.0, 5.0, 6.0], r"line 4, column 1 \('pay'\): '' is not a number, a cell is missing"),
        ("pay", pd.date_range("2020", periods=6), r"column 1 \('pay'\): '2020-01-01' is not a number; inputs are"),
        ("pay", [True, False] * 3, r"column 1 \('pay'\): 'True' is not a number; write 1 and 0"),
        ("job", ["cook", None] * 3, r"line 3, column 2 \('job'\): '' is no class; remove or fill in the row"),
        ("job", ["cook"] * 6, "one class only: every target is cook"),
    ],
)
def test_the_column_at_fault_is_named_whatever_the_targets_are(
    tmp_path: Path, column: str, values: Any, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read_examples(written(tmp_path, PEOPLE.assign(**{column: values}), index=False))


def test_a_second_file_goes_with_the_first(tmp_path: Path) -> None:
    first = read_examples(written(tmp_path, PEOPLE, "a.csv", index=False))
    shuffled = PEOPLE[["pay", "age", "job"]].iloc[[1, 3]]
    second = read_examples(written(tmp_path, shuffled, "b.csv", index=False), like=first)
    assert (second.inputs.tolist(), second.targets.tolist()) == ([[30, 2e3], [50, 3e3]], [1, 1])
    with pytest.raises(DataError, match="row 0 is of class baker; known: cook, smith"):
        read_examples(written(tmp_path, PEOPLE.assign(job="baker"), "c.csv", index=False), like=first)
    with pytest.raises(ConfigError, match=r"columns=.pay.: .* has no column of that name"):
        read_examples(written(tmp_path, PEOPLE[["age", "job"]], "d.csv", index=False), like=first)


def test_numbers_of_classes_are_known_again(tmp_path: Path) -> None:
    first = read_examples(written(tmp_path, FRAME, index=False))
    assert first.labels == (0, 1, 2)
    path = written(tmp_path, FRAME.iloc[[2, 4, 5]], "b.csv", index=False)
    assert read_examples(path, like=first).targets.tolist() == [2, 1, 2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('a,b,y\n1,"1"2,0\n2,3,1\n', r"line 2: not valid CSV: ',' expected after '\"'"),
        ("\ufeffa,b,y\n1,2,no\0\n2,3,yes\n", "it holds NUL bytes"),
        ("a,b,y\n" + "1,2,no\n" * 20_000 + "1,2,\0\n" * 20_000, "it holds NUL bytes"),
        ("1," * 100_000 + "1\n", r"line 1 has 100001 columns; at most 100000 are read of a text, .* numpy.save"),
        ("1," * 2_000_000 + "1\n", "line 1 has 2000001 columns; at most 100000"),
    ],
    ids=["quotation", "nul behind a mark", "late nul", "one column too many", "endless line"],
)
def test_what_pandas_would_take_or_choke_on_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_examples(tmp_path / "a.csv")
