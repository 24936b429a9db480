"""Threads share work out without losing or repeating any."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from hybrid_train.parallel import in_threads, one_blas_thread


@pytest.mark.parametrize("processors", [1, 2, 5])
def test_ranges_of_threads_cover_everything_once(processors: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    for size in (0, 1, 7, 8, 9, 100):
        parts = in_threads(lambda first, last: list(range(first, last)), size, 4)
        assert [i for part in parts for i in part] == list(range(size))
        assert len(parts) == max(1, min(processors, size // 4))


def test_an_error_in_a_thread_comes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)

    def fail(first: int, last: int) -> None:
        if threading.current_thread() is not threading.main_thread() and first:
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        in_threads(fail, 10, 1)


def test_products_keep_to_one_thread_inside() -> None:
    def blas_threads() -> set[int]:
        return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}

    np.ones((2, 2)) @ np.ones((2, 2))
    before = blas_threads()
    with one_blas_thread():
        assert blas_threads() == {1}
    assert blas_threads() == before
