"""CSV and NPZ files: what is read, and how a broken file is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hybrid_train.data import from_file
from hybrid_train.data.labels import read_labels
from hybrid_train.errors import ConfigError, DataError

PLAIN = "1,0,5\n0,2,6\n3,4,5\n"


@pytest.fixture
def csv(tmp_path: Path) -> Any:
    def write(text: str | bytes, name: str = "data.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.fixture
def npz(tmp_path: Path) -> Any:
    def write(**arrays: object) -> Path:
        np.savez(tmp_path / "data.npz", **arrays)
        return tmp_path / "data.npz"

    return write


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        "a,b,y\n" + PLAIN,
        "\ufeff" + PLAIN,
        "\ufeffa,b,y\r\n" + PLAIN.replace("\n", "\r\n"),
        "\n a , b , y \n 1, 0, 5 \n\n0,2,6\n   \n3,4,5",
        '"a","b, or c","y"\n"1","0","5"\n0,2e0,6\n+3.0,4,5.0\n',
    ],
)
def test_a_csv_file_in_its_many_forms(csv: Any, text: str) -> None:
    data = from_file(csv(text))
    assert np.allclose(data.inputs, [[1, 0], [0, 1], [0.6, 0.8]])
    assert data.targets.tolist() == [-1, 1, -1]
    assert data.classes is None
    assert data.name == "data.csv"


@given(arrays(np.float64, (4, 3), elements=st.floats(0.1, 1e9)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_digit_written_is_read(csv: Any, table: np.ndarray) -> None:
    path = csv("\n".join(",".join(map(repr, map(float, row))) for row in table))
    data = from_file(path, labels="real")
    assert np.array_equal(data.targets, table[:, -1])
    assert np.allclose(data.inputs, table[:, :-1] / np.linalg.norm(table[:, :-1], axis=1, keepdims=True))


def test_the_target_column_by_name_and_by_index(csv: Any) -> None:
    path = csv("y,a,last\n7.5,0,1\n8.5,1,0\n9.5,3,4\n")
    for target in ("y", 0, -3):
        data = from_file(path, target=target)
        assert data.targets.tolist() == [7.5, 8.5, 9.5]
        assert np.allclose(data.inputs, [[0, 1], [1, 0], [0.6, 0.8]])
    assert from_file(path, target="last").targets.tolist() == from_file(path, target=2).targets.tolist() == [1, 0, 4]


@pytest.mark.parametrize(
    ("text", "target", "message"),
    [
        (PLAIN, "y", "no header line"),
        ("a,b,price\n" + PLAIN, "prize", "did you mean 'price'"),
        ("a,a,y\n" + PLAIN, "a", "several columns"),
        (PLAIN, 3, "3 columns"),
        (PLAIN, -4, "3 columns"),
        (PLAIN, True, "target=True"),
    ],
)
def test_a_target_that_is_not_there(csv: Any, text: Any, target: Any, message: Any) -> None:
    with pytest.raises(ConfigError, match=message):
        from_file(csv(text), target=target)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no rows"),
        ("\n\n", "no rows"),
        ("a,b,y\n", "no rows below the header"),
        ("1,2,3\n4,5\n", "line 2 has 2 entries, but line 1 has 3"),
        ("a,b\n\n1,2\n1,2,3\n", "line 4 has 3 entries, but line 1 has 2"),
        ("1,2,3\n4,five,6\n", r"line 2, column 1: 'five' is not a number"),
        ("1,two,y\n3,4,5\n", r"line 1, column 1: 'two' is not a number"),
        ("1,2,3\n4,,6\n", r"line 2, column 1: '' is not a number"),
        ("1,2,3\n4,nan,6\n", r"line 2, column 1: 'nan' is not finite"),
        ("1,2,3\n4,5,-inf\n", r"line 2, column 2: '-inf' is not finite"),
        ("1,2,3\n4,5,1e999\n", r"line 2, column 2: '1e999' is not finite"),
        ("1,2,3\n0,0,4\n", "row 1 is all zeros"),
        ("1,2,3\n4,5,3\n", "one class only: every target is 3"),
        ("1|2\n3|4\n", "one column; separate inputs and target by commas"),
        (b"1,2\n\xff\xfe,3\n", "not UTF-8 text, byte 4 is wrong"),
        ('1,"2\n3,4\n', "line 2: not valid CSV"),
    ],
)
def test_a_broken_csv_file_is_refused(csv: Any, text: Any, message: Any) -> None:
    with pytest.raises(DataError, match=message):
        from_file(csv(text))


def test_other_files_are_refused(tmp_path: Path, csv: Any) -> None:
    with pytest.raises(DataError, match="no such file"):
        from_file(tmp_path / "nowhere.csv")
    with pytest.raises(DataError, match="not a file"):
        from_file(tmp_path)
    with pytest.raises(ConfigError, match=r"expected a \.csv or \.npz"):
        from_file(csv(PLAIN, "data.xlsx"))
    with pytest.raises(ConfigError, match="did you mean 'classes'"):
        from_file(csv(PLAIN), labels="clases")


def test_words_are_classes(csv: Any) -> None:
    path = csv("x,z,kind\n1,0,rose\n0,1,iris\n1,1,rose\n2,1,lily\n", "flowers.csv")
    data = from_file(path, labels="classes")
    assert (data.classes, data.targets.tolist()) == (3, [2, 0, 2, 1])
    two = from_file(csv("1,0,no\n0,1,yes\n1,1,no\n"), labels="classes")
    assert (two.classes, two.targets.tolist()) == (None, [-1, 1, -1])
    numbers = from_file(csv("1,0,10\n0,1,9\n1,1,9.0\n1,2,11\n"), labels="classes")
    assert numbers.targets.tolist() == [1, 0, 0, 2]
    by_itself = from_file(path)
    assert (by_itself.classes, by_itself.targets.tolist()) == (3, [2, 0, 2, 1])
    with pytest.raises(DataError, match=r"line 2, column 2 .'kind'.: 'rose' is not a number"):
        from_file(path, labels="real")
    with pytest.raises(DataError, match="line 3, column 1: 'x' is not a number"):
        from_file(csv("1,2\n3,4\n5,x\n6,7\n"))
    with pytest.raises(DataError, match="line 2, column 2: '' is no class"):
        from_file(csv("1,0,no\n0,1,\n"), labels="classes")
    with pytest.raises(DataError, match=r"one class only: every target is no$"):
        from_file(csv("1,0,no\n0,1,no\n"), labels="classes")


@pytest.mark.parametrize(
    ("values", "labels", "expected", "classes"),
    [
        ([3, 7, 7], "auto", [-1, 1, 1], None),
        ([3, 7, 7], "real", [3, 7, 7], None),
        ([0.1, 0.2, 0.1], "classes", [-1, 1, -1], None),
        ([5, 9, 7, 5, 9, 7], "auto", [0, 2, 1, 0, 2, 1], 3),
        ([5, 9, 7, 5, 9], "auto", [5, 9, 7, 5, 9], None),
        ([1.5, 2, 3, 1.5, 2, 3], "auto", [1.5, 2, 3, 1.5, 2, 3], None),
        ([1.5, 2, 3], "classes", [0, 1, 2], 3),
        ([4, 4], "real", [4, 4], None),
        (list(range(21)) * 2, "auto", list(range(21)) * 2, None),
    ],
)
def test_what_labels_mean(values: Any, labels: Any, expected: Any, classes: Any) -> None:
    targets, found = read_labels(np.array(values, dtype=float), labels, "mine")
    assert targets.tolist() == expected
    assert found == classes


def test_rows_drawn_from_a_file_are_balanced(csv: Any) -> None:
    path = csv("\n".join(f"{i},1,{int(i > 30)}" for i in range(40)))
    assert sorted(from_file(path, 10).targets) == [-1] * 5 + [1] * 5
    assert len(from_file(path, 10, labels="real", seed=1)) == 10
    with pytest.raises(DataError, match="n=41: there are only 40 rows"):
        from_file(path, 41)


@pytest.mark.parametrize("names", [("x", "y"), ("inputs", "targets"), ("x", "targets")])
def test_an_npz_file(npz: Any, names: Any) -> None:
    inputs = np.array([[3, 4], [0, 2], [1, 0]], dtype=np.int32)
    data = from_file(npz(**{names[0]: inputs, names[1]: np.array([0.5, 1.5, -2.0], dtype=np.float32)}))
    assert np.allclose(data.inputs, [[0.6, 0.8], [0, 1], [1, 0]])
    assert data.targets.tolist() == [0.5, 1.5, -2.0]
    assert data.targets.dtype == np.float64


def test_an_npz_file_with_several_targets_or_labels(npz: Any) -> None:
    wide = from_file(npz(x=np.eye(3), y=np.arange(6).reshape(3, 2)), n=2)
    assert wide.targets.shape == (2, 2)
    labels = from_file(npz(x=np.eye(6), y=np.array([2, 4, 9, 2, 4, 9])))
    assert (labels.classes, labels.targets.tolist()) == (3, [0, 1, 2, 0, 1, 2])
    with pytest.raises(DataError, match="labels='classes'"):
        from_file(npz(x=np.eye(3), y=np.ones((3, 2))), labels="classes")
    with pytest.raises(ConfigError, match="target='y'"):
        from_file(npz(x=np.eye(3), y=np.arange(3.0)), target="y")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.eye(2)}, "expected one array named 'y' or 'targets'; arrays there: x"),
        ({"x": np.eye(2), "inputs": np.eye(2), "y": [1, 2]}, "expected one array named 'x' or 'inputs'"),
        ({"x": np.eye(2), "y": [1.0]}, "2 inputs but 1 targets"),
        ({"x": np.eye(2), "y": [1.0, np.nan]}, "targets: row 1 holds NaN"),
        ({"x": [[1.0], [np.inf]], "y": [1.0, 2.0]}, "inputs: row 1 holds NaN"),
        ({"x": np.eye(2), "y": ["1", "2"]}, "targets must be numbers"),
        ({"x": np.eye(2), "y": np.ones((2, 1, 1))}, r"shape \(2, 1, 1\)"),
        ({"x": np.array([{}, {}], dtype=object), "y": [1, 2]}, "not a readable .npz archive.*allow_pickle=False"),
        ({"x": np.empty((0, 2)), "y": []}, "shape"),
    ],
)
def test_a_broken_npz_file_is_refused(npz: Any, arrays: Any, message: Any) -> None:
    with pytest.raises(DataError, match=message):
        from_file(npz(**arrays))


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 torn", "pickle", "npy"])
def test_what_only_calls_itself_npz_is_refused(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "data.npz"
    if content == "pickle":
        import pickle

        path.write_bytes(pickle.dumps([1, 2]))
    elif content == "npy":
        with path.open("wb") as stream:
            np.save(stream, np.eye(2))
    else:
        path.write_bytes(content)
    with pytest.raises(DataError, match="npz"):
        from_file(path)
