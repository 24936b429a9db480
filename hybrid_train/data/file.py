"""Data of one's own: a CSV or NPZ file."""

from __future__ import annotations

import os
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hybrid_train.data.checks import draw_rows, unit_rows
from hybrid_train.data.csv_table import read_csv
from hybrid_train.data.dataset import Dataset
from hybrid_train.data.labels import Labels, read_labels
from hybrid_train.errors import ConfigError, DataError
from hybrid_train.finder.bank import checked_vectors
from hybrid_train.support.names import nearest

_KINDS = ("auto", "real", "classes")


def from_file(
    path: str | os.PathLike[str],
    n: int | None = None,
    target: str | int = "last",
    labels: Labels = "auto",
    seed: int = 0,
) -> Dataset:
    """Return the data of a CSV or NPZ file, rows scaled to ||x|| = 1. Nothing is ever unpickled.

    A ``.csv`` file holds one row a line, comma-separated, with or without a header; an ``.npz`` file holds the arrays
    ``x`` or ``inputs`` (n, d) and ``y`` or ``targets`` (n,) or (n, K).

    Args:
        path: the file.
        n: rows drawn without replacement, balanced over the classes if there are any; None for every row.
        target: CSV: the column of the targets, "last", its name in the header, or its index.
        labels: what the targets are, see :func:`hybrid_train.data.labels.read_labels`: "real" numbers, "classes"
            (two become -1/+1, more 0..K-1; in a CSV file words will do), or "auto": classes if there are two
            distinct values, or 3 to 20 distinct integers.
        seed: the run's seed, which settles the rows drawn.

    Raises:
        ConfigError: n, target or labels is not valid, or the file is neither .csv nor .npz.
        DataError: the file is missing or broken, or its numbers do not make a data set; line and column are named.
    """
    if labels not in _KINDS:
        raise ConfigError(f"labels={labels!r}: no such kind{nearest(str(labels), _KINDS)}; known: {', '.join(_KINDS)}")
    file = Path(path)
    if not file.is_file():
        raise DataError(f"{file}: {'not a file' if file.exists() else 'no such file'}")
    kind = file.suffix.lower()
    if kind == ".csv":
        inputs, values = read_csv(file, target, words=labels == "classes")
    elif kind == ".npz":
        inputs, values = _read_npz(file, target)
    else:
        raise ConfigError(f"path={str(file)!r}: expected a .csv or .npz file")
    targets, classes = read_labels(values, labels, str(file))
    grouped = targets if classes is not None or (labels != "real" and _two_signs(targets)) else None
    rows = draw_rows(len(inputs), n, seed, grouped)
    # Every row is normalised before any is drawn: a bad file is refused whatever the seed, by its own row numbers.
    return Dataset(unit_rows(inputs, str(file))[rows], targets[rows], file.name, classes)


def _two_signs(targets: npt.NDArray[Any]) -> bool:
    return targets.ndim == 1 and bool((np.abs(targets) == 1).all())


def _read_npz(path: Path, target: str | int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    if target != "last":
        raise ConfigError(f"target={target!r}: an .npz file names its targets itself, 'y' or 'targets'; leave it out")
    try:
        with path.open("rb") as stream:
            archive = np.load(stream, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise DataError(f"{path}: not an .npz archive; write it with numpy.savez")
            inputs = _array(archive, ("x", "inputs"), path)
            values = _array(archive, ("y", "targets"), path)
    except DataError:
        raise
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path}: not a readable .npz archive; write it with numpy.savez: {error}") from None
    inputs = checked_vectors(inputs, f"{path}: inputs")
    if values.dtype.kind not in "biuf" or values.ndim not in {1, 2}:
        raise DataError(
            f"{path}: targets must be numbers of shape (n,) or (n, K), got {values.dtype} of shape {values.shape}"
        )
    values = values.astype(np.float64)
    if len(values) != len(inputs):
        raise DataError(f"{path}: {len(inputs)} inputs but {len(values)} targets")
    finite = np.isfinite(values.reshape(len(values), -1)).all(axis=1)
    if not finite.all():
        raise DataError(f"{path}: targets: row {int(np.argmin(finite))} holds NaN or infinity")
    return inputs, values


def _array(archive: Any, names: tuple[str, str], path: Path) -> npt.NDArray[Any]:
    present = [name for name in names if name in archive]
    if len(present) != 1:
        found = ", ".join(archive.files) or "none"
        raise DataError(f"{path}: expected one array named {names[0]!r} or {names[1]!r}; arrays there: {found}")
    array: npt.NDArray[Any] = archive[present[0]]
    return array
