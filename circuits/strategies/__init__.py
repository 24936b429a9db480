"""Search strategies, by name. Nothing is imported until a strategy is asked for."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import TYPE_CHECKING, Any

from hybrid_train.errors import ConfigError
from hybrid_train.support.names import nearest

if TYPE_CHECKING:
    from circuits.strategies.strategy import Strategy

STRATEGIES = {
    "known_k": "circuits.strategies.known_k:KnownK",
    "exact": "circuits.strategies.exact:Exact",
    "bbht": "circuits.strategies.bbht:Bbht",
    "coupon": "circuits.strategies.coupon:Coupon",
    "fixed_point": "circuits.strategies.fixed_point:FixedPoint",
    "counting": "circuits.strategies.counting:Counting",
    "adaptive": "circuits.strategies.adaptive:Adaptive",
    "warm": "circuits.strategies.warm:Warm",
}
"""The strategies of this distribution: name -> "module:Class"."""

DEFAULT_STRATEGY = "adaptive"


def load_strategy(name: str, **options: Any) -> Strategy:
    """Return the strategy registered under ``name``.

    Args:
        name: a key of :data:`STRATEGIES`.
        options: of that strategy; those that are None are left out.

    Raises:
        ConfigError: no such strategy, an option it does not have, or a value out of range.
    """
    if name not in STRATEGIES:
        raise ConfigError(f"strategy={name!r}: expected one of {', '.join(STRATEGIES)}{nearest(name, STRATEGIES)}")
    module, _, cls = STRATEGIES[name].partition(":")
    kind: type[Strategy] = getattr(import_module(module), cls)
    given = {key: value for key, value in options.items() if value is not None}
    known = inspect.signature(kind).parameters
    for key, value in given.items():
        if key not in known:
            raise ConfigError(f"{key}={value}: strategy={name!r} has no {key}; leave it out")
    return kind(**given)
