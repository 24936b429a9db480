"""The objective around a point of training: along the gradient and the most negatively curved direction (DEEP, Fig. 1).

Second derivatives of a piecewise linear network are taken as differences of gradients over a finite distance: the
Hessian after smoothing, as in the paper's figure.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from hybrid_train.errors import ConfigError, DataError
from hybrid_train.network.deep.network import DeepNetwork
from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.declared import an, array, checked, inside, optional, real, seed_number, whole
from hybrid_train.training.losses import Loss

_KRYLOV = 24
"""Gradients differenced for the most negative curvature, two for each step of Lanczos."""


@final
@dataclass(frozen=True, eq=False)
class Landscape:
    """F at W + x u + y v on a grid.

    Attributes:
        along_gradient: (X,) x, distances along u = grad F / ||grad F||; downhill is x < 0.
        along_curvature: (Y,) y, distances along v.
        values: (Y, X) F; ``values[j, i]`` at (x_i, y_j).
        objective: F at the point itself.
        gradient_norm: ||grad F||_F.
        curvature: v^T H v, H the smoothed Hessian; the least that was found over unit directions orthogonal to u.
        gradient_curvature: u^T H u.
    """

    along_gradient: FloatArray
    along_curvature: FloatArray
    values: FloatArray
    objective: float
    gradient_norm: float
    curvature: float
    gradient_curvature: float

    def as_dict(self) -> dict[str, object]:
        """Return a JSON-ready document."""
        return {
            "along_gradient": self.along_gradient.tolist(),
            "along_curvature": self.along_curvature.tolist(),
            "values": self.values.tolist(),
            "objective": self.objective,
            "gradient_norm": self.gradient_norm,
            "curvature": self.curvature,
            "gradient_curvature": self.gradient_curvature,
        }


@final
class Objective:
    """F as a function of all trained weights in one vector.

    Args:
        network: gives the layers; not moved.
        inputs: (n, d).
        targets: as the loss reads them.
        loss: summed over the examples.
    """

    def __init__(self, network: DeepNetwork, inputs: npt.ArrayLike, targets: FloatArray, loss: Loss) -> None:
        self._network = network
        self._inputs = network.checked_inputs(inputs)
        self._targets = targets
        self._loss = loss
        weights = network.weights()
        self._shapes = [w.shape for w in weights]
        self.point = np.concatenate([w.ravel() for w in weights])

    def value(self, point: FloatArray) -> float:
        """Return F there."""
        return self._loss.value(self._at(point).predict(self._inputs), self._targets)

    def gradient(self, point: FloatArray) -> FloatArray:
        """Return grad F there."""
        seen = self._at(point).forward(self._inputs)
        parts = seen.gradient(self._loss.derivative(seen.outputs, self._targets))
        return np.concatenate([part.ravel() for part in parts])

    def hessian_product(self, point: FloatArray, direction: FloatArray, distance: float) -> FloatArray:
        """Return H v for a unit vector v: the central difference of gradients over 2 * ``distance``."""
        ahead = self.gradient(point + distance * direction)
        return (ahead - self.gradient(point - distance * direction)) / (2.0 * distance)

    def _at(self, point: FloatArray) -> DeepNetwork:
        ends = np.cumsum([math.prod(shape) for shape in self._shapes])
        parts = np.split(point, ends[:-1])
        return self._network.at([part.reshape(shape) for part, shape in zip(parts, self._shapes, strict=True)])


@checked(
    network=an(DeepNetwork),
    inputs=inside(array(2)),
    targets=array(2, like=False),
    loss=an(Loss),
    reach=real(above=0),
    points=whole(3, 1 << 12),
    smoothing=optional(real(above=0)),
    krylov=whole(1, 1 << 20),
    seed=seed_number(),
)
def landscape(
    network: DeepNetwork,
    inputs: npt.ArrayLike,
    targets: FloatArray,
    loss: Loss,
    *,
    reach: float,
    points: int = 21,
    smoothing: float | None = None,
    krylov: int = _KRYLOV,
    seed: int = 0,
) -> Landscape:
    """Return the objective on a grid around the network's weights.

    The direction v of most negative curvature is found by Lanczos on the smoothed Hessian, the gradient projected out.

    Args:
        network: at W; not moved.
        inputs: (n, d).
        targets: as the loss reads them.
        loss: summed over the examples.
        reach: the grid extends this far from W in each direction, as a Frobenius norm of all trained weights together.
        points: grid points along each axis, odd, so that W itself is one.
        smoothing: distance over which gradients are differenced; ``reach / 10`` by default.
        krylov: steps of Lanczos, two gradients each.
        seed: of the first direction.

    Raises:
        ConfigError: reach or smoothing is not positive, or points is not odd.
        DataError: inputs and targets do not fit each other.
    """
    distance = reach / 10 if smoothing is None else smoothing
    if not (math.isfinite(reach) and reach > 0 and distance > 0):
        raise ConfigError(f"reach={reach}, smoothing={distance}: expected positive finite distances")
    if points < 3 or points % 2 == 0:
        raise ConfigError(f"points={points}: expected an odd number of at least 3")
    objective = Objective(network, inputs, targets, loss)
    if len(targets) != (n := len(network.checked_inputs(inputs))):
        raise DataError(f"targets: {len(targets)} rows for {n} inputs")
    at = objective.point
    gradient = objective.gradient(at)
    norm = float(np.linalg.norm(gradient))
    uphill = gradient / norm if norm > 0 else _unit(np.random.default_rng(seed).standard_normal(len(at)))

    def product(direction: FloatArray) -> FloatArray:
        result = objective.hessian_product(at, direction, distance)
        return np.asarray(result - (uphill @ result) * uphill)

    begin = np.random.default_rng(seed).standard_normal(len(at))
    curvature, bent = lowest_curvature(product, begin - (uphill @ begin) * uphill, krylov)
    axis = np.linspace(-reach, reach, points)
    values = [[objective.value(at + x * uphill + y * bent) for x in axis] for y in axis]
    return Landscape(
        along_gradient=axis,
        along_curvature=axis.copy(),
        values=np.array(values),
        objective=objective.value(at),
        gradient_norm=norm,
        curvature=curvature,
        gradient_curvature=float(uphill @ objective.hessian_product(at, uphill, distance)),
    )


def lowest_curvature(
    product: Callable[[FloatArray], FloatArray], begin: FloatArray, steps: int
) -> tuple[float, FloatArray]:
    """Return the least eigenvalue and its unit vector in the Krylov space of a symmetric operator, by Lanczos.

    Every vector is made orthogonal to all before it, twice: a smoothed Hessian is symmetric only up to its kinks.

    Args:
        product: v -> H v.
        begin: (N,) where the space begins; not zero.
        steps: dimension of the space, at most.
    """
    basis = _unit(begin)[None]
    images = np.empty((0, len(begin)))
    while True:
        image = product(basis[-1])
        images = np.vstack([images, image])
        if len(basis) == min(steps, len(begin)):
            break
        rest = image
        for _ in range(2):
            rest = rest - basis.T @ (basis @ rest)
        if np.linalg.norm(rest) <= 1e-12 * np.linalg.norm(image):
            break
        basis = np.vstack([basis, _unit(rest)])
    projected = basis @ images.T
    values, vectors = np.linalg.eigh((projected + projected.T) / 2)
    return float(values[0]), _unit(vectors[:, 0] @ basis)


def _unit(vector: FloatArray) -> FloatArray:
    return np.asarray(vector / np.linalg.norm(vector))
