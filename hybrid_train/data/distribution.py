"""Distributions: sources that give as many examples as asked for, new ones every time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import final

import numpy as np

from hybrid_train.data.checks import unit_rows
from hybrid_train.data.dataset import Dataset
from hybrid_train.errors import ConfigError
from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.checks import checked_count
from hybrid_train.support.names import nearest
from hybrid_train.support.rng import Role, generator

INPUTS = ("sphere", "cube", "random_points")


class Distribution(ABC):
    """A distribution of examples (x, y) with ||x|| = 1.

    Attributes:
        name: for tables and messages.
        dimension: d.
    """

    name: str
    dimension: int

    @abstractmethod
    def draw(self, draw: np.random.Generator, size: int) -> Dataset:
        """Return ``size`` independent examples."""

    @property
    @abstractmethod
    def notes(self) -> list[str]:
        """What a reader should know about it, in sentences."""


class Inputs(ABC):
    """A distribution of inputs on the unit sphere.

    Attributes:
        dimension: d.
    """

    dimension: int

    @abstractmethod
    def draw(self, draw: np.random.Generator, size: int) -> FloatArray:
        """Return (size, d) independent unit vectors."""

    @property
    @abstractmethod
    def bound(self) -> float:
        """R of SGD Definition 1.1, exactly: E <u, x>^2 <= R^2 / d for every unit vector u."""


@final
class Sphere(Inputs):
    """Evenly on the unit sphere: 1-bounded (SGD Definition 1.1)."""

    def __init__(self, dimension: int) -> None:
        self.dimension = checked_count(dimension, "dim")

    def draw(self, draw: np.random.Generator, size: int) -> FloatArray:
        return unit_rows(draw.standard_normal((size, self.dimension)), "sphere")

    @property
    def bound(self) -> float:
        return 1.0


@final
class Cube(Inputs):
    """Evenly on the corners of the cube {-1/sqrt(d), +1/sqrt(d)}^d: 1-bounded (SGD Definition 1.1)."""

    def __init__(self, dimension: int) -> None:
        self.dimension = checked_count(dimension, "dim")

    def draw(self, draw: np.random.Generator, size: int) -> FloatArray:
        signs = draw.choice([-1.0, 1.0], size=(size, self.dimension))
        return np.asarray(signs / np.sqrt(self.dimension))

    @property
    def bound(self) -> float:
        return 1.0


@final
class RandomPoints(Inputs):
    """Evenly on some points of the sphere, themselves drawn once: R-bounded by O(1) from about d points on.

    Args:
        dimension: d.
        points: how many; None for 4 d.
        seed: the run's seed, which settles the points.
    """

    def __init__(self, dimension: int, points: int | None = None, seed: int = 0) -> None:
        count = 4 * checked_count(dimension, "dim") if points is None else checked_count(points, "points")
        self.dimension = dimension
        self.points = Sphere(dimension).draw(generator(seed, Role.DATA), count)

    def draw(self, draw: np.random.Generator, size: int) -> FloatArray:
        chosen: FloatArray = self.points[draw.integers(len(self.points), size=size)]
        return chosen

    @property
    def bound(self) -> float:
        return input_bound(self.points)


def make_inputs(kind: str, dimension: int, *, points: int | None = None, seed: int = 0) -> Inputs:
    """Return a distribution of inputs.

    Args:
        kind: "sphere", "cube" or "random_points".
        dimension: d.
        points: of "random_points" only.
        seed: the run's seed.

    Raises:
        ConfigError: an unknown kind, ``points`` where there are none, or a size below 1.
    """
    if points is not None and kind != "random_points":
        raise ConfigError(f"points={points}: remove it, it belongs to inputs='random_points'")
    match kind:
        case "sphere":
            return Sphere(dimension)
        case "cube":
            return Cube(dimension)
        case "random_points":
            return RandomPoints(dimension, points, seed)
    raise ConfigError(f"inputs={kind!r}: no such inputs{nearest(str(kind), INPUTS)}; known: {', '.join(INPUTS)}")


def input_bound(inputs: FloatArray) -> float:
    """Return R of SGD Definition 1.1 for the even distribution on these rows: R^2 = d lambda_max(E x x^T).

    As an estimate for the distribution that n rows were drawn from it is too large by up to about sqrt(d / n) of it.

    Args:
        inputs: (n, d) unit rows.
    """
    rows = np.asarray(inputs, dtype=np.float64)
    n, dimension = rows.shape
    products = rows.T @ rows if dimension <= n else rows @ rows.T
    return float(np.sqrt(dimension * max(0.0, float(np.linalg.eigvalsh(products)[-1])) / n))
