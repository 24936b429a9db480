"""The command line."""

from __future__ import annotations

from hybrid_train.cli.program import main

__all__ = ["main"]
