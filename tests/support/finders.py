"""The built-in exact finders, so small that a test can train with each."""

from __future__ import annotations

from typing import Any

FINDERS: dict[str, dict[str, Any]] = {
    "scan": {},
    "hsr": {"leaf_size": 4},
    "skin": {},
    "grover": {"engine": "closed_form"},
}
"""Name to options."""
