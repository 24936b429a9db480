"""How a bank is cut into chunks."""

from __future__ import annotations

import numpy as np
import pytest

from classical.dynamics.gram import chunks
from classical.dynamics.gram.chunks import chunk_bounds


@pytest.mark.parametrize("width", [1, 2, 3, 64, 65, 1000, 1001])
@pytest.mark.parametrize(("rows", "most"), [(32, 128), (32, 4), (1 << 17, 128)])
def test_chunks_make_up_the_bank_and_cut_its_halves_alike(
    monkeypatch: pytest.MonkeyPatch, width: int, rows: int, most: int
) -> None:
    monkeypatch.setattr(chunks, "_CHUNK", rows)
    monkeypatch.setattr(chunks, "_MOST_CHUNKS", most)
    bounds = chunk_bounds(width)
    assert (bounds[0], bounds[-1]) == (0, width)
    assert (np.diff(bounds) > 0).all()
    assert len(bounds) - 1 <= 2 * most
    assert max(np.diff(bounds)) <= max(rows, -(-width // (2 * most)) + 1)
    assert width < 2 or width // 2 in bounds
    if width % 2 == 0:
        half = [bound for bound in bounds if bound < width // 2]
        assert bounds == sorted({*half, *(width // 2 + bound for bound in half), width})
