"""What DEEP Theorems 1, 2, 6 and 8 ask of a run and promise it: widths, rates, steps; constants 1."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True)
class Sizes:
    """What the theorems are stated in.

    Attributes:
        n: examples.
        depth: L.
        width: m, at least 2.
        outputs: d.
        delta: the least distance of two examples, at most 1 / L.
        batch: b of SGD; None for gradient descent.
    """

    n: int
    depth: int
    width: int
    outputs: int
    delta: float
    batch: int | None = None

    @property
    def needed_width(self) -> float:
        """n^24 L^12 d ln^5 m / delta^8, divided by b for SGD (DEEP sections 12 and 13); infinite beyond doubles."""
        logarithm = 24 * math.log(self.n) + 12 * math.log(self.depth) + math.log(self.outputs / (self.batch or 1))
        logarithm += 5 * math.log(math.log(self.width)) - 8 * math.log(self.delta) if self.delta > 0 else math.inf
        return math.exp(logarithm) if logarithm < 700 else math.inf

    @property
    def rate(self) -> float:
        """Eta of Theorem 1, d delta / (n^4 L^2 m), and b d delta / (n^5 L^2 m ln^2 m) for SGD."""
        plain = self.outputs * self.delta / (float(self.n) ** 4 * self.depth**2 * self.width)
        return plain if self.batch is None else plain * self.batch / (self.n * math.log(self.width) ** 2)

    def contraction(self, rate: float) -> float:
        """Return 1 - eta delta m / (d n^2), what a step multiplies F by at most (Eq. 12.2; in the mean, Eq. 13.2)."""
        return 1.0 - rate * self.delta * self.width / (self.outputs * self.n**2)

    def steps(self, accuracy: float) -> float:
        """Return T = n^6 L^2 / delta^2 ln(n ln m / epsilon), for SGD n ln^2 m / b times that."""
        if self.delta == 0:
            return math.inf
        plain = float(self.n) ** 6 * self.depth**2 / self.delta**2
        if self.batch is not None:
            plain *= self.n * math.log(self.width) ** 2 / self.batch
        return plain * math.log(self.n * math.log(self.width) / accuracy)

    @property
    def initial(self) -> float:
        """What is above F(W(0)): n ln^2 m."""
        return self.n * math.log(self.width) ** 2

    @property
    def movement(self) -> float:
        """What is above ||W(t) - W(0)||_F: n^3 d^{1/2} ln m / (delta m^{1/2}), for SGD times (n / b)^{1/2}."""
        if self.delta == 0:
            return math.inf
        plain = float(self.n) ** 3 * math.sqrt(self.outputs / self.width) * math.log(self.width) / self.delta
        return plain if self.batch is None else plain * math.sqrt(self.n / self.batch)

    def convex_steps(self, accuracy: float, reach: float) -> float:
        """Return T = n^7 L^2 D^2 / (delta^2 epsilon) of a convex loss (DEEP Theorem 6, Appendix A).

        Args:
            accuracy: epsilon.
            reach: D, the diameter that outputs stay in.
        """
        if self.delta == 0:
            return math.inf
        return float(self.n) ** 7 * self.depth**2 * reach * reach / (self.delta**2 * accuracy)

    @property
    def accuracy_steps(self) -> float:
        """n^6 L^2 / delta^2, the steps to perfect training accuracy with cross-entropy (DEEP Theorem 6)."""
        return float(self.n) ** 6 * self.depth**2 / self.delta**2 if self.delta > 0 else math.inf
