"""Where an adversary may put an example: a ball around the clean one, cut with the inputs' normal form."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np

from hybrid_train.errors import ConfigError
from hybrid_train.support.arrays import FloatArray


class Ball(ABC):
    """The set {v : ||v - x|| <= rho, the last coordinates of v are those of x, and (on a sphere) ||v||_2 = ||x||_2}.

    With ``kept=1`` and inputs of the normal form x_d = 1/2, ||x|| = 1 it is B(x, rho) cut with the set X of ADV
    Definition 3.3; with ``kept=2`` the same for queries (x, 1). All methods work row by row on (B, d) arrays; row i
    of ``clean`` is the centre x of row i.

    Args:
        rho: radius in this ball's norm, at least 0.
        kept: so many last coordinates stay.
        on_sphere: whether the Euclidean norm stays too.

    Raises:
        ConfigError: rho negative or not finite, or kept negative.
    """

    def __init__(self, rho: float, *, kept: int = 0, on_sphere: bool = True) -> None:
        if not (math.isfinite(rho) and rho >= 0):
            raise ConfigError(f"rho={rho}: expected a finite radius of at least 0")
        if kept < 0:
            raise ConfigError(f"kept={kept}: expected at least 0 coordinates")
        self.rho = float(rho)
        self.kept = kept
        self.on_sphere = on_sphere

    @abstractmethod
    def reach(self, dimension: int) -> float:
        """Return a bound of the Euclidean distance between an example of d coordinates and the points of its set."""

    def project(self, vectors: FloatArray, clean: FloatArray) -> FloatArray:
        """Return (B, d) points of the sets, the nearest ones to ``vectors`` (see the subclasses for how exactly)."""
        moved = np.array(clean, dtype=np.float64)
        free = self._free(moved)
        if free.shape[1]:
            onto = self._onto_sphere if self.on_sphere else self._onto_ball
            free[:] = onto(self._free(vectors).astype(np.float64), free.copy())
        return moved

    def worst(self, gradient: FloatArray, clean: FloatArray) -> FloatArray:
        """Return (B, d) the points v of the sets with the largest <gradient, v>; the clean one for a zero gradient.

        On a sphere ||v - y||^2 = const - 2 <v, y>, so that this is the exact projection of the gradient itself.
        """
        moved = np.array(clean, dtype=np.float64)
        free = self._free(moved)
        pull = self._free(gradient).astype(np.float64)
        rows = np.flatnonzero(pull.any(axis=1))
        if len(rows):
            centre, pull = free[rows], pull[rows]
            free[rows] = self._along_sphere(pull, centre) if self.on_sphere else centre + self.rho * self._unit(pull)
        return moved

    def direction(self, gradient: FloatArray, vectors: FloatArray) -> FloatArray:
        """Return (B, d) steps of length 1 in this norm that raise <gradient, v> the most.

        On a sphere the gradient's part along the radius is taken off first: no step there leads anywhere.
        """
        free = self._free(gradient).astype(np.float64)
        if self.on_sphere:
            place = self._free(vectors)
            squares = np.einsum("ij,ij->i", place, place, dtype=np.float64)
            along = np.einsum("ij,ij->i", free, place) / np.where(squares > 0, squares, 1.0)
            free = free - along[:, None] * place
        step = np.zeros(gradient.shape)
        self._free(step)[:] = self._unit(free)
        return step

    def draw(self, clean: FloatArray, random: np.random.Generator) -> FloatArray:
        """Return (B, d) points drawn evenly from the ball in the coordinates that are free, then projected."""
        vectors = np.array(clean, dtype=np.float64)
        free = self._free(vectors)
        free += self.rho * self._draw_unit(free.shape, random)
        return self.project(vectors, clean)

    @abstractmethod
    def _onto_sphere(self, vectors: FloatArray, centres: FloatArray) -> FloatArray:
        """Project onto the ball cut with the sphere through the centre."""

    def _along_sphere(self, pulls: FloatArray, centres: FloatArray) -> FloatArray:
        """Return the points of the ball cut with the sphere through the centre of the largest <pull, v>."""
        return self._onto_sphere(pulls, centres)

    @abstractmethod
    def _onto_ball(self, vectors: FloatArray, centres: FloatArray) -> FloatArray:
        """Project onto the ball."""

    @abstractmethod
    def _unit(self, vectors: FloatArray) -> FloatArray:
        """Return the vector of length at most 1 in this norm with the largest inner product; 0 for 0."""

    @abstractmethod
    def _draw_unit(self, shape: tuple[int, ...], random: np.random.Generator) -> FloatArray:
        """Draw evenly from the unit ball."""

    def _free(self, vectors: FloatArray) -> FloatArray:
        """Return a view of the coordinates that may change."""
        return vectors[:, : max(0, vectors.shape[1] - self.kept)]


def norms_of(vectors: FloatArray) -> FloatArray:
    """Return (B, 1) Euclidean norms."""
    norms: FloatArray = np.linalg.norm(vectors, axis=1, keepdims=True)
    return norms
