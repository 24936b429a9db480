"""Whole searches and trainings stay inside their arrays: each of these touches a page that nobody may read or write."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own, so that a segmentation fault is a failed test."""
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("fence", "parts"),
    [
        pytest.param("end", ("scan", "skin", "hsr", "correlation_tree", "lsh", "grover"), marks=pytest.mark.slow),
        ("end", ("gram", "batch", "rows", "ball", "boxes", "deep")),
        ("start", ("hsr", "correlation_tree", "gram")),
    ],
)
def test_searches_and_trainings_touch_nothing_outside_their_arrays(fence: str, parts: tuple[str, ...]) -> None:
    done = run("-m", "tests.support.fenced_search", fence, *parts)
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr


TOO_FAR = """
import sys
from tests.support import fences
fences.install(before=sys.argv[1] == "start")
import ctypes
import numba
import numpy as np

arrays = {
    "NumPy's": lambda size: np.ones(size),
    "a kernel's": numba.njit(lambda size: np.ones(size)),
}
x = arrays[sys.argv[2]](101)
print(x.sum(), flush=True)
ctypes.c_byte.from_address(x.ctypes.data + (-1 if sys.argv[1] == "start" else x.nbytes)).value
print("unnoticed")
"""


@pytest.mark.parametrize("fence", ["start", "end"])
@pytest.mark.parametrize("whose", ["NumPy's", "a kernel's"])
def test_one_byte_too_far_is_noticed(whose: str, fence: str) -> None:
    done = run("-c", TOO_FAR, fence, whose)
    assert done.stdout == "101.0\n"
    assert done.returncode < 0
