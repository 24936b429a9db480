from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from classical.onion.hulls import flatness, hull, room_for
from classical.onion.places import GRID


def triangles(points: np.ndarray) -> np.ndarray:
    """Return (F, 3) the corners of the facets of the hull of distinct points, none if they lie in one plane."""
    facets, scratch = room_for(len(points))
    used, _ = hull(points, np.arange(len(points)), facets, scratch)
    corners: np.ndarray = facets.corners[:used]
    return corners[corners[:, 0] >= 0]


def determinants(points: np.ndarray, facets: np.ndarray) -> np.ndarray:
    """Return (F, n) exactly, in Python's whole numbers, how far outside of each facet each point is."""
    exact = points.astype(object)
    a, b, c = (exact[facets[:, corner]] for corner in range(3))
    u, v = b - a, c - a
    normal = np.stack([u[:, i - 2] * v[:, i - 1] - u[:, i - 1] * v[:, i - 2] for i in range(3)], axis=1)
    out: np.ndarray = (normal[:, None, :] * (exact[None, :, :] - a[:, None, :])).sum(axis=2)
    return out


def assert_hull(points: np.ndarray) -> None:
    """A closed surface of proper triangles, none of the points outside of any."""
    facets = triangles(points)
    edges = Counter((int(f[side]), int(f[(side + 1) % 3])) for f in facets for side in range(3))
    assert set(edges.values()) == {1}
    assert all((end, start) in edges for start, end in edges)
    assert len(np.unique(facets)) == len(facets) // 2 + 2
    heights = determinants(points, facets)
    assert (heights <= 0).all()
    assert (heights < 0).any(axis=1).all()


@pytest.mark.parametrize("size", [1, 2, 5, 1000, GRID])
def test_hulls_are_closed_and_convex(size: int) -> None:
    rng = np.random.default_rng(size)
    for _ in range(60):
        points = np.unique(rng.integers(-size, size + 1, (rng.integers(8, 50), 3)), axis=0)
        if np.linalg.matrix_rank(points - points[0]) == 3:
            assert_hull(points)


def test_corners_of_the_grid_do_not_overflow() -> None:
    rng = np.random.default_rng(0)
    points = np.unique(rng.choice([-GRID, 1 - GRID, -1, 0, 1, GRID - 1, GRID], (80, 3)), axis=0)
    assert_hull(points)
    assert_hull(GRID * np.array([[x, y, z] for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1)]))


def test_what_lies_in_one_plane_has_no_facets_and_is_told_apart_in_two_coordinates() -> None:
    rng = np.random.default_rng(1)
    for spanning in (
        [[1, 0, 0], [0, 0, 1]],
        [[1, 2, 3], [0, 1, -1]],
        [[0, 1, 0]],
        [[0, 0, 2]],
        [[1, 1, 0]],
        [[0, 0, 0]],
    ):
        points = np.unique(rng.integers(-9, 10, (30, len(spanning))) @ np.array(spanning), axis=0)
        assert len(triangles(points)) == 0
        seen = np.delete(points - points[0], flatness(points), axis=1)
        assert np.linalg.matrix_rank(seen) == np.linalg.matrix_rank(points - points[0])


def test_taking_in_a_point_frees_what_it_sees() -> None:
    """Many points on a sphere: slots of facets that went are used again."""
    points = np.random.default_rng(2).standard_normal((3000, 3))
    points = np.rint(GRID / 2 * points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.int64)
    facets, scratch = room_for(len(points))
    used, spent = hull(points, np.arange(len(points)), facets, scratch)
    assert 2 * 3000 - 4 <= used < 2 * 3000 + 100
    assert spent < 3000 * 8 * np.log2(3000)
