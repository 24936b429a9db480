"""Tables as text, and large numbers in them."""

from __future__ import annotations

import math
from collections.abc import Sequence


def aligned(lines: Sequence[Sequence[str]], words: int) -> str:
    """Return a table as text: the first ``words`` columns flush left, the others, numbers, flush right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place < words else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def power_of_two(value: float, least: int = 1 << 20) -> str | None:
    """Return a power of two from ``least`` on as such, ``2^20``; None for other numbers."""
    if not least <= value < math.inf or value != int(value):
        return None
    whole = int(value)
    return f"2^{whole.bit_length() - 1}" if whole & (whole - 1) == 0 else None
