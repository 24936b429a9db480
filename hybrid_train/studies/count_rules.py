"""What ``hybrid-train count`` is asked for: widths, and how many neurons fire at each."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hybrid_train.errors import ConfigError
from hybrid_train.network.sparsity import expected_active
from hybrid_train.network.two_layer import auto_threshold
from hybrid_train.support.declared import Kind, whole

LARGEST = 1 << 40
_TOO_MUCH = 8.0
"""Powers and shares beyond 1 are refused by their count, which has to be a number for that."""

CountRule = int | str | Sequence[int] | Callable[[int], int]
"""A number, one for each width, a function of the width, or a rule as :func:`marked_counts` reads it."""


def parse_widths(text: str) -> list[int]:
    """Return the widths named by ``2^10..2^30`` (every power of two), a comma list, or both mixed.

    Raises:
        ConfigError: not of that form, or a width is not from 1 to 2^40.
    """
    widths: list[int] = []
    for part in (piece.strip() for piece in text.split(",")):
        first, dots, last = part.partition("..")
        low = _number(first, part)
        high = _number(last, part) if dots else low
        if dots and (low & (low - 1) or high & (high - 1) or low > high):
            raise ConfigError(f"widths={part!r}: a range goes from a power of two to a larger one, such as 2^10..2^30")
        while low <= high:
            widths.append(low)
            low *= 2
    return list(dict.fromkeys(widths))


def checked_widths(widths: Sequence[int]) -> list[int]:
    """Return the widths as integers.

    Raises:
        ConfigError: none given, or one is not a whole number from 1 to 2^40.
    """
    if not widths:
        raise ConfigError("widths: expected at least one")
    for width in widths:
        if not _is_whole(width) or not 1 <= width <= LARGEST:
            raise ConfigError(f"widths={width!r}: expected a whole number from 1 to 2^40")
    return [int(width) for width in widths]


def width() -> Kind:
    """A whole number from 1 to 2^40, whatever its type."""
    return replace(
        whole(1, LARGEST),
        accepts=lambda value: _is_whole(value) and 1 <= value <= LARGEST,
        expected="expected a whole number from 1 to 2^40",
    )


def _is_whole(value: object) -> bool:
    """Return whether it is a whole number, of whatever type."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return False
    return isinstance(value, int | np.integer) or float(value).is_integer()


def marked_counts(rule: CountRule | None, widths: Sequence[int]) -> list[int]:
    """Return k for each width.

    Args:
        rule: None for round(m Q(b)) with b = sqrt(0.4 ln m), what fires in the mean at the start of training (PRE
            Lemma 3.8); a number; ``"49,140"``, one number for each width; ``"m^0.8"``; ``"0.25m"``; or a function.
        widths: m.

    Raises:
        ConfigError: a rule of another form, or a count that is not from 0 to m.
    """
    counts = _counts(rule, widths)
    for count, width in zip(counts, widths, strict=True):
        if not _is_whole(count) or not 0 <= count <= width:
            raise ConfigError(f"counts={count!r}: expected a whole number from 0 to m={width}")
    return [int(count) for count in counts]


def _counts(rule: CountRule | None, widths: Sequence[int]) -> list[int]:
    if rule is None:
        return [round(expected_active(width, auto_threshold(width))) for width in widths]
    if callable(rule):
        return [rule(width) for width in widths]
    if isinstance(rule, str):
        power, share = re.fullmatch(r"m\^(\d*\.?\d+)", rule), re.fullmatch(r"(\d*\.?\d+)m", rule)
        if power:
            return [round(width ** min(float(power[1]), _TOO_MUCH)) for width in widths]
        if share:
            return [round(width * min(float(share[1]), _TOO_MUCH)) for width in widths]
        rule = [_number(part.strip(), rule, "counts", "49, 49,140, m^0.8 or 0.25m") for part in rule.split(",")]
    numbers: list[Any] = list(rule) if isinstance(rule, Sequence | np.ndarray) else [rule]
    if len(numbers) == 1:
        numbers *= len(widths)
    if len(numbers) != len(widths):
        raise ConfigError(f"counts={','.join(map(str, numbers))}: expected one number, or one for each width")
    return numbers


def _number(text: str, whole: str, name: str = "widths", example: str = "1024, 2^20 or 2^10..2^30") -> int:
    base, power, exponent = text.strip().partition("^")
    if not (base.isdecimal() and len(base) < 14 and (exponent.isdecimal() if power else True)):
        raise ConfigError(f"{name}={whole!r}: expected whole numbers such as {example}")
    number = int(base) ** min(int(exponent), 64) if power else int(base)
    if name == "widths" and not 1 <= number <= LARGEST:
        raise ConfigError(f"widths={whole!r}: expected a whole number from 1 to 2^40")
    return number
