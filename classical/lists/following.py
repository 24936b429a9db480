"""How far inner products are followed through a Gram matrix before they are looked at again."""

from __future__ import annotations

MOST_COLUMNS = 4096
"""More columns than this would make the Gram matrix (128 MB then) dearer than what it saves."""

ROUNDS = 1024
"""Every followed inner product is evaluated from the vectors at least once in so many steps or answers."""

ACCURACY = 1e-9
"""Tolerated error of a followed inner product, in units of the product of the norms."""
