from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from classical.onion.climbing import climb, turned
from classical.onion.places import GRID
from classical.onion.shells import SpatialLayers, chain, surfaces


def clouds(rng: np.random.Generator, size: int) -> list[np.ndarray]:
    """Return sets of distinct places: scattered, in a plane, on a line, one alone, on a sphere, on one within a few."""
    some = rng.integers(-size, size + 1, (40, 3))
    sphere = rng.standard_normal((600, 3))
    sphere *= size / np.linalg.norm(sphere, axis=1, keepdims=True)
    far = GRID * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    kinds = [some, some * [1, 0, 1], some[:, :1] * [1, -1, 1], some[:1], np.rint(sphere).astype(np.int64)]
    return [np.unique(kind, axis=0) for kind in [*kinds, np.concatenate([kinds[-1], far])]]


@pytest.mark.parametrize("size", [1, 4, 1000, GRID // 2])
def test_the_farthest_of_all_that_is_left_is_climbed_to(size: int) -> None:
    """From any corner of any surface, by whole numbers; layers hold every place once."""
    rng = np.random.default_rng(size)
    for places in clouds(rng, size):
        layers, order, _ = chain(places)
        assert sorted(order) == list(range(len(places)))
        assert (layers.corners[: len(order)] == places[order]).all()
        starts = surfaces(places, len(places)).starts
        for direction in np.concatenate([rng.integers(-1, 2, (12, 3)), rng.standard_normal((12, 3)), np.zeros((1, 3))]):
            way, _ = turned(direction.astype(float))
            far = layers.corners[: len(order)].astype(np.int64) @ np.array(way, np.int64)
            for first, last in pairwise(starts):
                tops = {int(climb(layers, int(corner), way)[0]) for corner in {first, last - 1, (first + last) // 2}}
                assert len(tops) == 1
                assert far[tops.pop()] == far[first:].max()


def path(layers: SpatialLayers, direction: np.ndarray) -> list[int]:
    """Return how many corners are looked at on each surface on the way down."""
    way, _ = turned(direction)
    corner, looked = layers.entrance, []
    for _ in layers.reports:
        top, _, steps = climb(layers, corner, way)
        looked.append(steps)
        corner = layers.down[top]
    return looked


def test_climbing_is_short_on_every_surface() -> None:
    rng = np.random.default_rng(3)
    sphere = rng.standard_normal((20_000, 3))
    sphere = np.rint(GRID * sphere / np.linalg.norm(sphere, axis=1, keepdims=True)).astype(np.int64)
    gauss = np.rint(GRID / 8 * rng.standard_normal((20_000, 3))).clip(-GRID, GRID).astype(np.int64)
    for places in (sphere, gauss, np.concatenate([sphere // 4, GRID * np.eye(3, dtype=np.int64), [[-GRID] * 3]])):
        layers, _, _ = chain(np.unique(places, axis=0))
        steps = [step for direction in rng.standard_normal((50, 3)) for step in path(layers, direction)]
        assert np.mean(steps) < 40
        assert max(steps) < 300


def test_large_surfaces_are_reached_by_samples() -> None:
    places = clouds(np.random.default_rng(4), GRID // 2)[4]
    layers, _, _ = chain(places)
    assert layers.reports.tolist() == [False, False, True]
    assert layers.entrance == len(places) + len(places) // 8
    assert len(layers.corners) == layers.entrance + len(places) // 64


def test_only_the_outermost_layers_if_asked() -> None:
    for places in clouds(np.random.default_rng(5), 6):
        every, one = surfaces(places, len(places)), surfaces(places, 1)
        assert one.starts.tolist() == every.starts[:2].tolist()
        assert one.order.tolist() == every.order[: every.starts[1]].tolist()
        assert len(one.degrees) == len(one.outward) == len(one.order)
        assert len(one.links) == one.degrees.sum()
