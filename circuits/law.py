"""The exact laws of Grover's algorithm: what any engine must sample from, in closed form.

With k of m items marked, the state never leaves the plane spanned by the uniform superposition over the marked
items and the one over the rest, so two amplitudes tell everything, for any m.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from hybrid_train.errors import InvariantError
from hybrid_train.kernels import kernel

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Phases:
    """The phases of a generalised Grover run; every one equal to pi is the plain algorithm.

    Iteration j multiplies the marked items by exp(i ``oracle[j]``), then the uniform state by exp(i ``diffusion[j]``).

    Attributes:
        oracle: (iterations,) radians.
        diffusion: (iterations,) radians.
    """

    oracle: FloatArray
    diffusion: FloatArray

    def __post_init__(self) -> None:
        if self.oracle.ndim != 1 or self.oracle.shape != self.diffusion.shape:
            raise InvariantError(f"Phases: shapes {self.oracle.shape} and {self.diffusion.shape} do not fit")

    def __len__(self) -> int:
        return len(self.oracle)


def success_probability(n_items: npt.ArrayLike, n_marked: npt.ArrayLike, iterations: npt.ArrayLike) -> FloatArray:
    """Return sin^2((2j + 1) theta), theta = asin sqrt(k/m): the chance to measure a marked item (BBHT 1998, eq. 3).

    Args:
        n_items: m, any positive integers.
        n_marked: k, 0 to m.
        iterations: j, plain Grover iterations from the uniform state over exactly m items.

    Returns:
        The probabilities, broadcast over the arguments.
    """
    fraction = np.divide(n_marked, n_items, dtype=np.float64)
    angle = np.arctan2(np.sqrt(fraction), np.sqrt(1.0 - fraction))
    return np.asarray(np.sin((2.0 * np.asarray(iterations) + 1.0) * angle) ** 2)


@lru_cache(maxsize=1 << 16)
def best_iterations(n_items: int, n_marked: int) -> int:
    """Return the j that minimises the expected calls (j + 1) / p_j of finding one of k marked items, k known.

    Args:
        n_items: m.
        n_marked: k, 1 to m.
    """
    angle = np.arcsin(np.sqrt(n_marked / n_items))
    iterations = np.arange(int(np.pi / (4.0 * angle)) + 1)
    return int(np.argmin((iterations + 1.0) / np.sin((2.0 * iterations + 1.0) * angle) ** 2))


def phased_probability(n_items: int, n_marked: int, phases: Phases) -> float:
    """Return the chance to measure a marked item after a run with arbitrary phases.

    Args:
        n_items: m.
        n_marked: k, 0 to m.
        phases: of the run.
    """
    fraction = n_marked / n_items
    return float(_evolve(np.sqrt(fraction), np.sqrt(1.0 - fraction), phases.oracle, phases.diffusion))


@kernel
def _evolve(marked_part: Any, other_part: Any, oracle: Any, diffusion: Any) -> Any:
    """Follow the amplitudes on the normalised marked and unmarked states; return the marked probability."""
    marked, other = complex(marked_part), complex(other_part)
    for j in range(oracle.size):
        marked *= np.exp(1j * oracle[j])
        turn = (np.exp(1j * diffusion[j]) - 1.0) * (marked_part * marked + other_part * other)
        marked += turn * marked_part
        other += turn * other_part
    return 1.0 - abs(other) ** 2 / (abs(marked) ** 2 + abs(other) ** 2)


@lru_cache(maxsize=4096)
def fixed_point_iterations(n_items: int, miss_probability: float) -> int:
    """Return the fewest iterations after which a fixed-point run finds one of any k >= 1 marked items.

    About (1/2) ln(2 / sqrt(miss_probability)) sqrt(m) (Yoder, Low, Chuang 2014, eq. 3, exact instead of asymptotic).

    Args:
        n_items: m.
        miss_probability: in (0, 1), allowed for every k >= 1.
    """
    if n_items == 1:
        return 0
    length = np.arccosh(1.0 / np.sqrt(miss_probability)) / np.arctanh(np.sqrt(1.0 / n_items))
    return int(np.ceil((length - 1.0) / 2.0))


@lru_cache(maxsize=256)
def fixed_point_phases(iterations: int, miss_probability: float) -> Phases:
    """Return the Yoder-Low-Chuang phases: 2 arccot(tan(2 pi j / L) sqrt(1 - gamma^2)), L = 2 iterations + 1.

    From "Fixed-point quantum search with an optimal number of queries" (PRL 113, 210501, 2014, eq. 11), whose
    delta^2 is ``miss_probability`` here.

    Args:
        iterations: l.
        miss_probability: in (0, 1), the ripple of the success probability below one.
    """
    length = 2 * iterations + 1
    flatness = np.tanh(np.arccosh(1.0 / np.sqrt(miss_probability)) / length)
    steps = np.arange(1, iterations + 1)
    alpha = 2.0 * np.arctan2(1.0, np.tan(2.0 * np.pi * steps / length) * flatness)
    return Phases(oracle=-alpha[::-1], diffusion=-alpha)


def fixed_point_probability(
    n_items: npt.ArrayLike, n_marked: npt.ArrayLike, iterations: int, miss_probability: float
) -> FloatArray:
    """Return the success law of a fixed-point run: 1 - delta T_L(T_{1/L}(1/sqrt delta) sqrt(1 - k/m))^2.

    Args:
        n_items: m.
        n_marked: k, 0 to m.
        iterations: l, with L = 2 l + 1.
        miss_probability: delta of the phases.
    """
    length = 2 * iterations + 1
    scale = np.cosh(np.arccosh(1.0 / np.sqrt(miss_probability)) / length)
    argument = scale * np.sqrt(1.0 - np.divide(n_marked, n_items, dtype=np.float64))
    inside = np.cos(length * np.arccos(np.minimum(argument, 1.0)))
    outside = np.cosh(length * np.arccosh(np.maximum(argument, 1.0)))
    return np.asarray(1.0 - miss_probability * np.where(argument <= 1.0, inside, outside) ** 2)
