"""The kinds of arrays that everybody speaks of."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.integer[Any]]


FloatArray = npt.NDArray[np.floating[Any]]
