"""The options of a start, checked before anything is drawn."""

from __future__ import annotations

import math
import sys

import numpy as np

from hybrid_train.errors import ConfigError
from hybrid_train.support.checks import checked_dtype
from hybrid_train.support.messages import quoted
from hybrid_train.support.names import nearest


def check_start(width: int, threshold: float | str, start: str, output_weight: float, dtype: str, storage: str) -> None:
    """Raise ConfigError for options of :meth:`.TwoLayerNetwork.initialize` that are out of range."""
    if start not in {"gaussian", "paired"}:
        raise ConfigError(
            f"start={start!r}: no such start{nearest(str(start), ['gaussian', 'paired'])}; known: gaussian, paired"
        )
    checked_dtype(dtype)
    if storage not in {"stored", "seeded", "live"}:
        raise ConfigError(f"storage={storage!r}: expected 'stored', 'seeded' or 'live'")
    if isinstance(threshold, int) and abs(threshold) > sys.float_info.max:
        raise ConfigError(f"threshold={quoted(threshold)}: must be a finite number")
    number = isinstance(threshold, int | float | np.integer | np.floating) and not isinstance(threshold, bool)
    if not number and threshold != "auto":
        raise ConfigError(f"threshold={threshold!r}: give a number or 'auto'")
    if not (math.isfinite(output_weight) and output_weight > 0):
        raise ConfigError(f"output_weight={output_weight!r}: expected a positive number")
    if start == "paired" and width % 2:
        raise ConfigError(f"width={width}: a paired start needs an even width")
