"""Checks of plain arguments that everybody makes."""

from __future__ import annotations

import math

import numpy as np

from hybrid_train.errors import ConfigError


def checked_count(value: int, name: str) -> int:
    """Return ``value`` if it is an integer of at least 1.

    Raises:
        ConfigError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ConfigError(f"{name}={value!r}: must be an integer of at least 1")
    return int(value)


def checked_counts(**counts: int) -> None:
    """Check that each is an integer of at least 1.

    Raises:
        ConfigError: one is not.
    """
    for name, value in counts.items():
        checked_count(value, name)


def checked_dtype(dtype: str) -> str:
    """Return ``dtype`` if weights can be stored in it.

    Raises:
        ConfigError: neither "float32" nor "float64".
    """
    if dtype not in {"float32", "float64"}:
        raise ConfigError(f"dtype={dtype!r}: expected 'float32' or 'float64'")
    return dtype


def checked_whole(value: int, name: str, least: int, most: int) -> int:
    """Return ``value`` if it is an integer from ``least`` to ``most``.

    Raises:
        ConfigError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise ConfigError(f"{name}={value!r}: must be an integer")
    if value < least:
        raise ConfigError(f"{name}={value}: must be at least {least}")
    if value > most:
        raise ConfigError(f"{name}={value}: must be at most {most}")
    return int(value)


def checked_probability(value: float, name: str, least: float = 0.0) -> float:
    """Return ``value`` if it is a number strictly between 0 and 1, and at least ``least``.

    Raises:
        ConfigError: it is not.
    """
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float | np.floating | np.integer)
        or not 0.0 < value < 1.0
    ):
        raise ConfigError(f"{name}={value!r}: must lie strictly between 0 and 1")
    if value < least:
        raise ConfigError(f"{name}={value!r}: must be at least {least:g}")
    return float(value)


def checked_positive(value: float, name: str) -> float:
    """Return ``value`` if it is a finite number above 0.

    Raises:
        ConfigError: it is not.
    """
    if not is_finite_number(value) or not value > 0:
        raise ConfigError(f"{name}={value!r}: must be a number above 0")
    return float(value)


def checked_finite(value: float, name: str) -> float:
    """Return ``value`` if it is a finite number.

    Raises:
        ConfigError: it is not.
    """
    if not is_finite_number(value):
        raise ConfigError(f"{name}={value!r}: must be a finite number")
    return float(value)


def is_finite_number(value: object) -> bool:
    """Return whether this is a finite real number, of Python's or of NumPy's types, that a float64 can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.floating | np.integer):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False
