"""Banks for whole histories: all that breaks searches in one bank, in arrays that may end where a page does."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from hybrid_train.proofs.checker import inner
from tests.support.banks import KINDS, vectors
from tests.support.guard import guarded

HOSTILE = (*KINDS, "mixed", "ends")
"""Those of :data:`tests.support.banks.KINDS`, their rows mixed, and entries at the ends of the numbers."""

_ENDS = {
    np.dtype(np.float64): (0.0, 5e-324, 1e-300, 1e-160, 1.0, 1.5, 1e150, 1e300),
    np.dtype(np.float32): (0.0, 1e-45, 1e-38, 1e-20, 1.0, 1.5, 1e18, 1e38),
}
_ROOM = 1 << 16


def hostile(rng: np.random.Generator, kind: str, shape: tuple[int, int], dtype: Any) -> np.ndarray:
    """Draw finite vectors of a kind of :data:`HOSTILE`."""
    if kind == "mixed":
        rows = [vectors(rng, str(rng.choice(KINDS)), (1, shape[1]), dtype) for _ in range(shape[0])]
        return np.concatenate(rows) if rows else np.empty(shape, dtype)
    if kind == "ends":
        return np.asarray(rng.choice(_ENDS[np.dtype(dtype)], shape) * rng.choice([-1.0, 1.0], shape), dtype)
    return vectors(rng, kind, shape, dtype)


def at_a_fence(array: np.ndarray, place: int, *, before: bool) -> np.ndarray:
    """Return a copy whose end, or start, touches a page nobody may read; it lasts until the next one at this place."""
    room = _fenced_room(place, before)
    held = room[: array.nbytes] if before else room[_ROOM - array.nbytes :]
    copy = held.view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


@cache
def _fenced_room(place: int, before: bool) -> np.ndarray:
    return guarded(np.zeros(_ROOM, np.uint8), before=before)


def all_products(points: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Return (Q, N) every deciding inner product, by the arithmetic of the checker of proofs, not the finders'."""
    p, q = np.asarray(points, np.float64), np.asarray(queries, np.float64)
    with np.errstate(all="ignore"):
        found = inner(np.tile(p, (len(q), 1)), np.repeat(q, len(p), axis=0))
    return found.reshape(len(q), len(p))


def hostile_threshold(rng: np.random.Generator, products: np.ndarray) -> float:
    """Return a b: more often than not one that an inner product meets exactly, or misses by one float."""
    finite = products[np.isfinite(products)]
    tie = float(rng.choice(finite)) if finite.size else 0.0
    beside = float(np.nextafter(tie, rng.choice([-np.inf, np.inf])))
    drawn = float(rng.choice([tie, tie, tie, beside, 0.0, 0.5, -1.0, 2.0, 1e-300, 1e300, -1e300]))
    return drawn if np.isfinite(drawn) else tie
