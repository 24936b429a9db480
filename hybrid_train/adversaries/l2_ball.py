"""The Euclidean ball, alone and cut with a sphere: a spherical cap."""

from __future__ import annotations

from typing import final

import numpy as np

from hybrid_train.adversaries.ball import Ball, norms_of
from hybrid_train.support.arrays import FloatArray


@final
class L2Ball(Ball):
    """Perturbations with ||v - x||_2 <= rho (ADV Definition 3.3).

    The projection is exact. On the sphere of radius R = ||x|| the set is the cap of angle
    theta = 2 asin(rho / 2R) around x; <v, y> over a cap is largest in the plane of x and y, at y's own angle or at
    theta, whichever is smaller.
    """

    def reach(self, dimension: int) -> float:
        return self.rho

    def _onto_sphere(self, vectors: FloatArray, centres: FloatArray) -> FloatArray:
        radius = norms_of(centres)
        axis = centres / np.where(radius > 0, radius, 1.0)
        size = np.abs(vectors).max(axis=1, keepdims=True)
        pull = vectors / np.where(size > 0, size, 1.0)
        along = np.einsum("ij,ij->i", pull, axis)[:, None]
        across = pull - along * axis
        across -= np.einsum("ij,ij->i", across, axis)[:, None] * axis  # once more: the first time leaves rounding
        offset = norms_of(across)
        lost = (offset[:, 0] <= 1e-15) & (along[:, 0] < 0)  # opposite: every great circle leads there, take any
        across[lost] = _perpendicular(axis[lost])
        offset[lost] = norms_of(across[lost])
        cap = 2.0 * np.arcsin(np.minimum(1.0, self.rho / (2.0 * np.where(radius > 0, radius, 1.0))))
        angle = np.minimum(np.where(lost[:, None], cap, np.arctan2(offset, along)), cap)
        angle = np.where((offset > 0) | (cap == np.pi), angle, 0.0)  # in one dimension there is nothing in between
        side = across / np.where(offset > 0, offset, 1.0)
        return np.asarray(radius * (np.cos(angle) * axis + np.sin(angle) * side))

    def _onto_ball(self, vectors: FloatArray, centres: FloatArray) -> FloatArray:
        shift = vectors - centres
        length = norms_of(shift)
        return np.asarray(centres + shift * np.minimum(1.0, self.rho / np.where(length > 0, length, 1.0)))

    def _unit(self, vectors: FloatArray) -> FloatArray:
        size = np.abs(vectors).max(axis=1, keepdims=True)
        scaled = vectors / np.where(size > 0, size, 1.0)
        length = norms_of(scaled)
        return np.asarray(scaled / np.where(length > 0, length, 1.0))

    def _draw_unit(self, shape: tuple[int, ...], random: np.random.Generator) -> FloatArray:
        direction = self._unit(random.standard_normal(shape))
        lengths: FloatArray = random.random((shape[0], 1)) ** (1.0 / max(1, shape[1]))
        return np.asarray(direction * lengths)


def _perpendicular(axes: FloatArray) -> FloatArray:
    """Return a vector at right angles to each unit vector; zero where there is none (one dimension)."""
    rows, smallest = np.arange(len(axes)), np.argmin(np.abs(axes), axis=1)
    across: FloatArray = -axes * axes[rows, smallest][:, None]
    across[rows, smallest] += 1.0
    across[np.linalg.norm(across, axis=1) < 0.5] = 0.0
    return across
