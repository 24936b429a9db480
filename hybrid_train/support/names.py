"""Names a user mistyped."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LONGEST = 60


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ", did you mean 'x'?" for the nearest known name, or nothing."""
    if len(name) > _LONGEST:
        return ""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f", did you mean {close[0]!r}?" if close else ""
