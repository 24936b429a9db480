"""Kernels that read by pointer stay inside their arrays, which here end or begin at an unreadable page."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PREAMBLE = """
import sys
import numba
import numpy as np
sys.path.insert(0, sys.argv[1])
from tests.support.guard import guarded
from hybrid_train.finder.scan_kernels import decide
from hybrid_train.support.kernels import dot
from classical.tiles.layout import transpose
from classical.tiles.vectors import add_columns, add_outer, add_products, fetch_columns, raise_to_largest

rng = np.random.default_rng(0)
SIZES = [*range(1, 18), 31, 32, 33, 63, 64, 65, 127, 128, 129, 191, 192, 193, 200]
"""

SCRIPTS = {
    "the guard itself": "guarded(np.ones(3))[:]; print('alive')",
    "dot": """
@numba.njit(error_model="numpy")
def call(p, q):
    return dot(p, q)

for before in (False, True):
    for dtype in (np.float32, np.float64):
        for size in range(1, 201):
            p, q = (guarded(rng.integers(-9, 9, size).astype(dtype), before=before) for _ in range(2))
            assert call(p, q) == float(p.astype(float) @ q.astype(float))
print('alive')
""",
    "decide": """
for before in (False, True):
    for dtype in (np.float32, np.float64):
        for width in SIZES:
            for count in {1, max(1, width - 1), width}:
                heights = (1, 3) if width < 200 else (1, 200)
                for height in heights:
                    points, queries = (rng.integers(-4, 4, (n, 3)).astype(dtype) for n in (count, height))
                    products = np.full((height, width), np.inf, dtype)
                    products[:, :count] = queries @ points.T
                    cuts = np.full(height, 1, dtype)
                    fenced = [guarded(a, before=before) for a in (products, cuts, points, queries)]
                    counts, ids, values, opened = decide(*fenced, 0, 1.0)
                    active = products[:, :count] > 1
                    assert np.array_equal(counts, active.sum(axis=1))
                    assert np.array_equal(ids, np.nonzero(active)[1])
print('alive')
""",
    "tiles of columns": """
@numba.njit(error_model="numpy")
def add(numbers, columns, factors, out, last):
    add_columns(numbers, 0, columns, 0, last, factors, out, 0)

@numba.njit(error_model="numpy")
def largest(bits, columns, out, last):
    raise_to_largest(bits, 0, columns, 0, last, out, 0)

@numba.njit(error_model="numpy")
def outer(numbers, columns, factors, pulls, last):
    fetch_columns(numbers, 0, columns, 0, last)
    add_outer(numbers, 0, columns, 0, last, factors, pulls)

@numba.njit(error_model="numpy")
def products(numbers, columns, errors, out, last):
    add_products(numbers, 0, columns, 0, last, errors, out)

for before in (False, True):
    for dtype in (np.float32, np.float64):
        for count in (1, 2, 5):
            numbers = rng.integers(-9, 9, (count, 64)).astype(dtype)
            columns, factors = np.arange(count, dtype=np.int32), rng.integers(-9, 9, count).astype(dtype)
            held = [guarded(a, before=before) for a in (numbers.ravel(), columns, factors, np.zeros(64, dtype))]
            add(*held, count)
            assert np.array_equal(held[3], factors @ numbers)
            bits = guarded(numbers.ravel().view(f"u{numbers.itemsize}"), before=before)
            out = guarded(np.zeros(64, bits.dtype), before=before)
            largest(bits, held[1], out, count)
            assert np.array_equal(out.view(dtype), np.abs(numbers).max(axis=0))
            pulls = guarded(rng.integers(-9, 9, 64).astype(dtype), before=before)
            sums = guarded(np.zeros(count), before=before)
            products(held[0], held[1], pulls, sums, count)
            assert np.array_equal(sums, numbers @ pulls)
            outer(*held[:3], pulls, count)
            assert np.array_equal(held[0].reshape(-1, 64), numbers + np.outer(factors, pulls))
        for rows, columns in ((1, 1), (8, 16), (16, 16), (17, 33), (64, 40)):
            source, turned = (guarded(rng.random(rows * columns).astype(dtype), before=before) for _ in range(2))
            transpose(source, 0, columns, rows, columns, turned, 0, rows)
            assert np.array_equal(turned.reshape(columns, rows), source.reshape(rows, columns).T)
print('alive')
""",
}


def run(body: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own, so that a segmentation fault is a failed test."""
    return subprocess.run(
        [sys.executable, "-c", PREAMBLE + body, str(ROOT)], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", SCRIPTS)
def test_kernels_read_nothing_outside_their_arrays(name: str) -> None:
    done = run(SCRIPTS[name])
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr


def test_reading_one_number_too_far_is_noticed() -> None:
    beyond = "a = guarded(np.ones(3)); np.lib.stride_tricks.as_strided(a, (4,), a.strides).sum()"
    assert run(beyond).returncode < 0
