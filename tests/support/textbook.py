"""Losses as a textbook writes them, apart from the package's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hybrid_train.support.arrays import FloatArray


def slope(loss: str, f: FloatArray, y: FloatArray) -> FloatArray:
    """The derivatives of the loss in the (n, outputs) outputs f, for targets y."""
    formulas: dict[str, Callable[[], Any]] = {
        "squared": lambda: f - y,
        "huber": lambda: np.where(np.abs(f - y) <= 1, f - y, np.sign(f - y)),
        "absolute": lambda: np.sign(f - y),
        "logistic": lambda: -y / (1 + np.exp(y * f)),
        "hinge": lambda: np.where(y * f < 1, -y, 0.0),
        "cross_entropy": lambda: np.exp(f) / np.exp(f).sum(axis=-1, keepdims=True) - y,
        "geman_mcclure": lambda: (f - y) / (1 + (f - y) ** 2) ** 2,
    }
    return np.asarray(formulas[loss]())


def value(loss: str, f: FloatArray, y: FloatArray) -> float:
    """The sum of the loss over examples and outputs."""
    formulas: dict[str, Callable[[], Any]] = {
        "squared": lambda: 0.5 * (f - y) ** 2,
        "absolute": lambda: np.abs(f - y),
        "logistic": lambda: np.log(1 + np.exp(-y * f)),
        "cross_entropy": lambda: -y * np.log(np.exp(f) / np.exp(f).sum(axis=-1, keepdims=True)),
    }
    return float(formulas[loss]().sum())
