from __future__ import annotations

import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from hybrid_train.data import from_file
from hybrid_train.errors import DataError
from hybrid_train.support.archives import opened_archive
from tests.support.hostile_files import npy_header

ROWS = 1 << 22


def test_a_shape_is_told_without_taking_memory_for_the_array(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x.npy", npy_header(shape=f"({ROWS}, 1)") + bytes(8 * ROWS))
        file.writestr("y.npy", npy_header(shape="(12,)") + bytes(96))
    tracemalloc.start()
    try:
        with opened_archive(path, 1 << 30) as archive:
            assert archive.shape("x") == (ROWS, 1)
        with pytest.raises(DataError, match=f"{ROWS} inputs but 12 targets"):
            from_file(path)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_arrays_are_read_as_they_were_written(tmp_path: Path) -> None:
    arrays = {"a": np.arange(6.0).reshape(2, 3), "b": np.array(3), "c": np.asfortranarray(np.eye(3))}
    np.savez_compressed(tmp_path / "x.npz", **arrays)
    with opened_archive(tmp_path / "x.npz", 1 << 20) as archive:
        assert {name: archive.shape(name) for name in archive} == {"a": (2, 3), "b": (), "c": (3, 3)}
        for name, array in arrays.items():
            np.testing.assert_array_equal(archive[name], array)
