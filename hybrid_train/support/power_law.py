"""Power laws fitted to logarithms."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self, final

import numpy as np
import numpy.typing as npt


@final
@dataclass(frozen=True)
class PowerLaw:
    """c m^s, fitted to logarithms by least squares.

    Attributes:
        factor: c.
        exponent: s.
        exponent_sem: standard error of s.
    """

    factor: float
    exponent: float
    exponent_sem: float

    @classmethod
    def fit(cls, widths: npt.ArrayLike, values: npt.ArrayLike) -> Self:
        """Fit positive values measured at three widths or more; values that are zero are left out.

        A quantity that was zero at all but one width has the law 0.
        """
        values = np.asarray(values, dtype=np.float64)
        x, y = np.log(np.asarray(widths, dtype=np.float64)[values > 0]), np.log(values[values > 0])
        if len(x) < 2:
            return cls(0.0, 0.0, 0.0)
        spread = ((x - x.mean()) ** 2).sum()
        exponent = float(((x - x.mean()) * y).sum() / spread)
        level = float(y.mean() - exponent * x.mean())
        rest = y - level - exponent * x
        sem = float(np.sqrt((rest**2).sum() / max(len(x) - 2, 1) / spread))
        return cls(float(np.exp(level)), exponent, sem)

    def __call__(self, width: int) -> float:
        return self.factor * math.pow(width, self.exponent)
