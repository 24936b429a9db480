"""Even polynomials of bounded coefficient norm: what SGD on a wide network learns (SGD Definition 1.4, Theorem 5.1)."""

from __future__ import annotations

import math
from itertools import combinations_with_replacement
from typing import Literal, final

import numpy as np

from hybrid_train.data.dataset import Dataset
from hybrid_train.data.distribution import Distribution, Inputs
from hybrid_train.errors import ConfigError
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.checks import checked_count
from hybrid_train.support.rng import Role, generator

PolynomialTargets = Literal["values", "signs"]

_MOST_TERMS = 1 << 20
_BLOCK = 1 << 22
_SAMPLE = 4096
_POLYNOMIAL, _EXAMPLES, _HELD_OUT, _SCALE = 1, 2, 3, 4
"""What Role.DATA draws, beside the points of an input distribution (0)."""


@final
class EvenPolynomial:
    """p(x) = sum of a_alpha x^alpha over multi-indices alpha of even degree up to c (SGD Definition 1.4).

    Args:
        variables: for each degree 0, 2, .. c that occurs a (terms, degree) array: the variables multiplied in a term.
        coefficients: for each of them (terms,) a_alpha.
    """

    def __init__(self, variables: list[IntArray], coefficients: list[FloatArray]) -> None:
        self.variables, self.coefficients = variables, coefficients

    @classmethod
    def random(cls, dimension: int, degree: int, *, terms: int | None = None, seed: int = 0) -> EvenPolynomial:
        """Return a polynomial of coefficient norm 1, drawn evenly from all of them.

        Args:
            dimension: d.
            degree: c, even.
            terms: keep only so many terms, drawn without replacement; None for all.
            seed: the run's seed.

        Raises:
            ConfigError: degree odd or below 2, or more terms than there are or than can be handled.
        """
        checked_count(dimension, "dim")
        if isinstance(degree, bool) or not isinstance(degree, int) or degree < 2 or degree % 2:
            raise ConfigError(f"degree={degree!r}: expected an even number of at least 2")
        counts = [math.comb(dimension + k - 1, k) for k in range(0, degree + 1, 2)]
        if sum(counts) > _MOST_TERMS:
            raise ConfigError(
                f"degree={degree}: {sum(counts)} terms in dimension {dimension}, more than {_MOST_TERMS}; "
                "take a lower degree or dimension"
            )
        if terms is not None and not 1 <= terms <= sum(counts):
            raise ConfigError(f"terms={terms}: expected 1 to {sum(counts)}, the number of terms there are")
        draw = generator(seed, Role.DATA, _POLYNOMIAL)
        variables = [
            np.array(list(combinations_with_replacement(range(dimension), k)), np.int64).reshape(count, k)
            for k, count in zip(range(0, degree + 1, 2), counts, strict=True)
        ]
        coefficients = draw.standard_normal(sum(counts))
        if terms is not None:
            dropped = draw.permutation(len(coefficients))[terms:]
            coefficients[dropped] = 0.0
        coefficients /= np.linalg.norm(coefficients)
        by_degree = np.split(coefficients, np.cumsum(counts)[:-1])
        kept = [np.flatnonzero(part) for part in by_degree]
        return cls(
            [part[rows] for part, rows in zip(variables, kept, strict=True)],
            [part[rows] for part, rows in zip(by_degree, kept, strict=True)],
        )

    @property
    def terms(self) -> int:
        """How many monomials there are."""
        return sum(map(len, self.coefficients))

    @property
    def norm(self) -> float:
        """M, the Euclidean norm of the coefficients."""
        return math.hypot(*(value for part in self.coefficients for value in part.tolist()))

    def scaled(self, factor: float) -> EvenPolynomial:
        """Return factor * p."""
        return EvenPolynomial(self.variables, [factor * part for part in self.coefficients])

    def __call__(self, inputs: FloatArray) -> FloatArray:
        """Return (n,) p(x) of (n, d) inputs."""
        values = np.zeros(len(inputs))
        columns = np.ascontiguousarray(inputs.T, dtype=np.float64)
        for variables, coefficients in zip(self.variables, self.coefficients, strict=True):
            block = max(1, _BLOCK // max(1, len(inputs)))
            for start in range(0, len(coefficients), block):
                part = slice(start, start + block)
                products = np.ones((len(coefficients[part]), len(inputs)))
                for variable in variables[part].T:
                    products *= columns[variable]
                values += coefficients[part] @ products
        return values


@final
class EvenPolynomials(Distribution):
    """Inputs from a distribution, targets from one even polynomial.

    Args:
        inputs: where x comes from.
        degree: c, even.
        norm: M, the norm of the coefficients; "auto" makes the root mean square of p(x) 1 on a sample.
        terms: so many monomials; None for all of even degree up to c.
        targets: "values" for y = p(x), "signs" for y = -1 or +1, the sign of p(x).
        seed: the run's seed, which settles the polynomial.

    Attributes:
        polynomial: p.

    Raises:
        ConfigError: see :meth:`EvenPolynomial.random`; or norm is not a positive finite number.
    """

    def __init__(
        self,
        inputs: Inputs,
        degree: int = 4,
        norm: float | Literal["auto"] = "auto",
        *,
        terms: int | None = None,
        targets: PolynomialTargets = "values",
        seed: int = 0,
    ) -> None:
        if targets not in ("values", "signs"):
            raise ConfigError(f"targets={targets!r}: expected 'values' or 'signs'")
        if norm != "auto" and not (math.isfinite(norm) and norm > 0):
            raise ConfigError(f"norm={norm!r}: expected a positive number or 'auto'")
        self.name, self.dimension = "even_polynomial", inputs.dimension
        self._inputs, self._signs, self._seed = inputs, targets == "signs", seed
        polynomial = EvenPolynomial.random(self.dimension, degree, terms=terms, seed=seed)
        factor = 1.0 / self._size(polynomial) if norm == "auto" else float(norm)
        self.polynomial = polynomial.scaled(factor)

    def draw(self, draw: np.random.Generator, size: int) -> Dataset:
        inputs = self._inputs.draw(draw, size)
        values = self.polynomial(inputs)
        return Dataset(inputs, np.where(values > 0, 1.0, -1.0) if self._signs else values, self.name)

    def examples(self, n: int, *, held_out: bool = False) -> Dataset:
        """Return the n examples that belong to the seed.

        Args:
            n: how many.
            held_out: others, to judge a network by.

        Raises:
            ConfigError: n below 1.
        """
        draw = generator(self._seed, Role.DATA, _HELD_OUT if held_out else _EXAMPLES)
        return self.draw(draw, checked_count(n, "n"))

    @property
    def notes(self) -> list[str]:
        return [
            f"even polynomial of {self.polynomial.terms} terms, coefficient norm M={self.polynomial.norm:.4g}, "
            f"inputs R-bounded by R={self._inputs.bound:.4g} (SGD Definitions 1.1 and 1.4)"
        ]

    def _size(self, polynomial: EvenPolynomial) -> float:
        """Return the root mean square of p(x) on a sample of the inputs."""
        sample = self._inputs.draw(generator(self._seed, Role.DATA, _SCALE), _SAMPLE)
        return float(np.sqrt(np.square(polynomial(sample)).mean())) or 1.0
