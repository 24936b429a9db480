"""``learning_rate = "theorem"``: the rate that the papers' theorem about a run names, and who knows it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, final
from weakref import WeakKeyDictionary

from hybrid_train.config import Config
from hybrid_train.errors import ConfigError
from hybrid_train.experiments.setting import Setting
from hybrid_train.support.registry import load_class

RATES = {
    "two_layer": "hybrid_train.theory.rates:TwoLayerRate",
    "tangent_kernel": "hybrid_train.theory.rates:FeatureRate",
    "random_features": "hybrid_train.theory.rates:FeatureRate",
    "lifted": "hybrid_train.theory.rates:JumpingRate",
    "deep": "hybrid_train.theory.rates:DeepRate",
}
"""Who knows the rate, by what a ``[network]`` table starts as: name -> "module:Class"; loaded when it is asked for."""


_KNOWN: WeakKeyDictionary[Setting, tuple[Any, TheoremRate]] = WeakKeyDictionary()
"""What was asked of each setting last, and the rate: a run asks several times, and a spectrum takes a while."""


@final
@dataclass(frozen=True)
class TheoremRate:
    """A learning rate with its source.

    Attributes:
        value: eta.
        formula: what it is, with the numbers that went in.
        source: paper and theorem.
    """

    value: float
    formula: str
    source: str

    @property
    def note(self) -> str:
        """A sentence for the reader."""
        return f"learning_rate='theorem': {self.formula} = {self.value:.6g} ({self.source})"


class RateSource(ABC):
    """Knows the rates of theorems about one kind of network."""

    @abstractmethod
    def rate(self, config: Config, setting: Setting) -> TheoremRate:
        """Return the rate.

        Raises:
            ConfigError: no theorem speaks of such a run.
        """


def theorem_rate(config: Config, setting: Setting) -> TheoremRate:
    """Return the rate that the theorem about a run names.

    Raises:
        ConfigError: there is none, and why; or its rate is no number to train with.
    """
    asked = config.network, config.training, config.data, config.run.seed
    known = _KNOWN.get(setting)
    if known is not None and known[0] == asked:
        return known[1]
    kind = config.network.starts_as
    found: TheoremRate = load_class(kind, RATES, "network.starts_as")().rate(config, setting)
    if not 1e-300 < found.value < 1e300:
        raise refused(f"{found.formula} is {found.value:g}, no rate to train with")
    _KNOWN[setting] = asked, found
    return found


def refused(why: str) -> ConfigError:
    """Return the error for a run that no theorem gives a rate for."""
    return ConfigError(f"training.learning_rate='theorem': expected a number or 'auto', since {why}")
