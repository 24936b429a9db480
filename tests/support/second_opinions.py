"""What plain readers of the standard library and NumPy make of a file: whoever takes it must have read the same."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import math
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hybrid_train.config.schema import Config
from hybrid_train.data.examples import Examples

MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"))
PATHS = {"path", "test"}


def objection(path: Path, result: object) -> str:
    """Return why ``result`` should not have been made of a file, or nothing.

    Args:
        path: the file.
        result: the Examples or the Config that it was taken for.
    """
    try:
        if isinstance(result, Config):
            return _config(path, result)
        assert isinstance(result, Examples)
        return (_arrays if path.suffix in {".npy", ".npz"} else _table)(path, result)
    except Exception as error:
        return f"refused by a plain reader: {type(error).__name__}: {error}"[:200]


def _text(data: bytes) -> str:
    marks = (*MARKS, (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
    coding = next((coding for mark, coding in marks if data.startswith(mark)), "utf-8")
    text = data.decode("utf-8-sig" if coding == "utf-8" else coding)
    assert "\0" not in text, "a NUL"
    return text


def _table(path: Path, read: Examples) -> str:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    text = _text(data)
    first = next(line for line in io.StringIO(text, newline=None) if line.strip())
    tabs = path.name.removesuffix(".gz").endswith(".tsv")
    bare = "".join(first.split('"')[::2])
    separator = "\t" if tabs else next((mark for mark in ",;\t" if mark in bare), ",")
    lines = csv.reader(
        io.StringIO(text.replace("\r\n", "\n").replace("\r", "\n"), newline=""), delimiter=separator, strict=True
    )
    rows = [entries for line in lines if (entries := [entry.strip() for entry in line]) not in ([], [""])]
    if read.columns is not None:
        names, rows = rows[0], rows[1:]
        wanted = [names.index(column) for column in read.columns]
        target = names.index(read.target) if read.target is not None else len(names) - 1
    else:
        target = len(rows[0]) - 1
        wanted = list(range(target))
    if any(len(row) != target + 1 for row in rows):
        return "ragged"
    found = np.array([[float(row[at]) for at in wanted] for row in rows])
    if found.shape != read.inputs.shape or not np.array_equal(found, read.inputs):
        return "other numbers"
    return _targets([row[target] for row in rows], read)


def _targets(entries: list[Any], read: Examples) -> str:
    if read.labels is not None and isinstance(read.labels[0], str):
        values = np.array(entries)
    else:
        values = np.array([float(entry) for entry in entries])
        if not np.isfinite(values).all():
            return "a target that is not finite"
    if read.labels is None:
        return "" if np.array_equal(values, read.targets) else "other targets"
    classes = np.unique(values, return_inverse=True)[1]
    expected = 2.0 * classes - 1 if read.classes is None else classes
    return "" if np.array_equal(expected, read.targets) else "other classes"


def _arrays(path: Path, read: Examples) -> str:
    if path.suffix == ".npy":
        table = np.load(path, allow_pickle=False)
        rest = len(path.read_bytes()) - table.nbytes
        if rest > 1000:
            return "bytes left over"
        return _same(table[:, :-1], table[:, -1], read)
    with zipfile.ZipFile(path) as members:
        bad = members.testzip()
        assert bad is None, f"the checksum of {bad}"
        assert len(set(members.namelist())) == len(members.namelist()), "one name twice"
    with np.load(path, allow_pickle=False) as arrays:
        keys = {key.lower().removesuffix(".npy"): key for key in arrays.files}
        x = arrays[keys["x" if "x" in keys else "inputs"]]
        y = arrays[keys["y" if "y" in keys else "targets"]]
    return _same(x, y, read)


def _same(x: npt.NDArray[Any], y: npt.NDArray[Any], read: Examples) -> str:
    if x.dtype.kind not in "biuf" or not np.array_equal(x.astype(np.float64), read.inputs):
        return "other numbers"
    if y.ndim == 2 and y.shape[1] > 1:
        return "" if np.array_equal(y.astype(np.float64), read.targets) else "other targets"
    return _targets(y.ravel().tolist(), read)


def _config(path: Path, read: Config) -> str:
    text = _text(path.read_bytes())
    return _differing(tomllib.loads(text.replace("\r\n", "\n").replace("\r", "\n")), read.as_dict(), "")


def _differing(given: Mapping[str, Any], taken: Mapping[str, Any], where: str) -> str:
    """Return the first key given that was not taken as it stands."""
    for key, value in given.items():
        if key not in taken:
            return f"{where}{key} was passed over"
        if isinstance(value, dict):
            found = _differing(value, taken[key], f"{where}{key}.")
            if found:
                return found
        elif key not in PATHS and not _same_value(value, taken[key]):
            return f"{where}{key} was changed"
        elif isinstance(value, float) and not math.isfinite(value):
            return f"{where}{key} is not finite"
    return ""


def _same_value(given: Any, taken: Any) -> bool:
    """Whether a value was taken as it stands; a whole number may be taken for the real one next to it."""
    if isinstance(given, bool) != isinstance(taken, bool):
        return False
    return bool(taken == (float(given) if isinstance(taken, float) and isinstance(given, int) else given))
