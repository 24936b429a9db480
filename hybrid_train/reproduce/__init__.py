"""Every paper's claims, measured by one command: figures, numbers, and a verdict that may be no."""

from __future__ import annotations

from hybrid_train.reproduce.papers import PAPERS, Reproduction, reproduce
from hybrid_train.reproduce.text import reproduction_text

__all__ = ["PAPERS", "Reproduction", "reproduce", "reproduction_text"]
