"""Values of a document as text: total, since a document may hold anything, and never long."""

from __future__ import annotations

import math
from typing import Any

from hybrid_train.support.text_table import power_of_two

LONGEST = 200


def value_text(value: Any, longest: int = LONGEST) -> str:
    """Return a value for a reader: grouped digits, powers of two as such, four digits of others; cut where long."""
    if value is None or isinstance(value, bool):
        return "–" if value is None else "yes" if value else "no"
    if isinstance(value, int):
        return cut(_whole(value), longest)
    if isinstance(value, float):
        return _real(value)
    if isinstance(value, list):
        few = ", ".join(value_text(item, 40) for item in value[:8])
        return cut(few if len(value) <= 8 else f"{few}, … ({len(value)} in all)", longest)
    if isinstance(value, dict):
        return cut(", ".join(f"{key} = {value_text(item, 40)}" for key, item in list(value.items())[:8]), longest)
    return cut(str(value), longest)


def share_text(value: Any) -> str:
    """Return a share; one that is not whole never rounds to 1."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return value_text(value)
    return "1" if value == 1 else f"{min(value, 0.999999):.6f}" if value > 0.9999 else f"{value:.4g}"


def sort_value(value: Any) -> float | None:
    """Return what a number is sorted by; None for words."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def cut(text: str, longest: int) -> str:
    """Return a text of at most so many characters, without halves of characters, which no page can hold."""
    clean = text.encode("utf-8", "replace").decode("utf-8")
    return clean if len(clean) <= longest else f"{clean[: longest - 1]}…"


def _whole(value: int) -> str:
    if (power := power_of_two(value)) is not None:
        return power
    return f"{value:,}" if abs(value) < 10**12 else f"{value:.4e}" if abs(value) < 10**300 else str(value)


def _real(value: float) -> str:
    if not math.isfinite(value):
        return "–"
    if (power := power_of_two(value)) is not None:
        return power
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e9 else f"{value:,.4g}"
