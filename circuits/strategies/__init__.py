"""Search strategies, by name. Nothing is imported until a strategy is asked for."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from circuits.search import Search

STRATEGIES = {
    "bbht": "circuits.strategies.bbht:bbht",
    "known_k": "circuits.strategies.known_k:known_k",
}
"""The strategies of this distribution: name -> "module:function"."""

DEFAULT_STRATEGY = "bbht"

COUNT = "n_marked"
"""The argument by which a strategy says that it must be told how many items are marked."""


@dataclass(frozen=True)
class Strategy:
    """A strategy as registered.

    Attributes:
        name: in :data:`STRATEGIES`.
        start: called with (m, delta, generator, ...) for a new search.
        options: its keyword-only options with their defaults.
        needs_count: whether it must be told the number of marked items: a reference, not an algorithm for unknown k.
    """

    name: str
    start: Callable[..., Search]
    options: dict[str, Any]
    needs_count: bool


def load_strategy(name: str) -> Strategy:
    """Return the strategy registered under ``name`` (a key of :data:`STRATEGIES`)."""
    module, _, function = STRATEGIES[name].partition(":")
    start = getattr(import_module(module), function)
    options = {
        parameter.name: parameter.default
        for parameter in inspect.signature(start).parameters.values()
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    return Strategy(name, start, {key: options[key] for key in options if key != COUNT}, COUNT in options)
