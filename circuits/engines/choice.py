"""Choosing the engine that an option names, or that what was injected asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from circuits.engines import ENGINES
from circuits.engines.engine import Engine
from circuits.engines.noise import Noise
from hybrid_train.errors import ConfigError
from hybrid_train.support.registry import load


def make_engine(
    name: str,
    *,
    noise: Mapping[Any, float] | None = None,
    sampler: Any = None,
    pass_manager: Any = None,
    backend: Any = None,
    shots: int | None = None,
    method: str | None = None,
    device: str | None = None,
    precision: str | None = None,
) -> Engine:
    """Return a new engine.

    Args:
        name: a key of :data:`circuits.engines.ENGINES`.
        noise: rates of :class:`circuits.engines.noise.Noise`, by name.
        sampler: of :class:`circuits.engines.sampler.SamplerEngine`, like the two that follow.
        pass_manager: likewise.
        backend: likewise.
        shots: likewise.
        method: of :class:`circuits.engines.aer.AerEngine`, like the two that follow.
        device: likewise.
        precision: likewise.

    Raises:
        ConfigError: what was given is not of its kind, or does not go together.
        ResourceError: there is no such device.
    """
    tuning = {"method": method, "device": device, "precision": precision}
    tuning = {key: value for key, value in tuning.items() if value is not None}
    injected = {"sampler": sampler, "pass_manager": pass_manager, "backend": backend}
    given = [key for key, value in {"noise": noise, **injected, "shots": shots}.items() if value is not None]
    if (given or tuning) and name != "aer":
        idle = " and ".join([*given, *tuning])
        raise ConfigError(f"engine={name!r} runs no circuits: leave out {idle}, or take engine='aer'")
    if given and tuning:
        raise ConfigError(f"{' and '.join(tuning)}: of the built-in simulator; leave out {' and '.join(given)}")
    if noise is not None:
        if len(given) > 1:
            raise ConfigError(
                f"noise={dict(noise)!r}: simulates a machine of its own; leave out {' and '.join(given[1:])}"
            )
        rates = Noise.from_table(noise)
        from circuits.engines.noisy import NoisyEngine

        return NoisyEngine(rates)
    if given:
        from circuits.engines.sampler import SamplerEngine

        return SamplerEngine(**injected, shots=1 if shots is None else shots)
    engine: Engine = load(name, ENGINES, "engine", **tuning)
    return engine
