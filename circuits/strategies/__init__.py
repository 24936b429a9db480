"""Search strategies, by name. Nothing is imported until a strategy is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from hybrid_train.support.registry import load, load_class

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
    "monitored": "circuits.strategies.monitored:Monitored",
    "warm": "circuits.strategies.warm:Warm",
}
"""The strategies of this distribution: name -> "module:Class"."""

DEFAULT_STRATEGY = "adaptive"

if TYPE_CHECKING:
    StrategyName = str
else:
    StrategyName = Literal[tuple(STRATEGIES)]


def load_strategy(name: str, **options: Any) -> Strategy:
    """Return the strategy registered under ``name``.

    Args:
        name: a key of :data:`STRATEGIES`.
        options: of that strategy; those that are None are left out.

    Raises:
        ConfigError: no such strategy, an option it does not have, or a value out of range.
    """
    strategy: Strategy = load(name, STRATEGIES, "strategy", **options)
    return strategy


def compared_strategies() -> tuple[str, ...]:
    """Return the names of the strategies that are compared unless others are asked for."""
    return tuple(name for name in STRATEGIES if load_class(name, STRATEGIES, "strategy").compared)
