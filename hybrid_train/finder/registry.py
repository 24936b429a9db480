"""Which finders there are. Nothing is imported until a finder is asked for by name."""

from __future__ import annotations

import inspect
import os
import sys
import typing
from collections.abc import Callable
from contextlib import nullcontext
from functools import cache, lru_cache
from importlib.metadata import EntryPoints, entry_points
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, create_model

from hybrid_train.errors import ConfigError
from hybrid_train.finder.interface import ActiveSetFinder
from hybrid_train.finder.plug_ins import PlugIn, plug_ins
from hybrid_train.support.declared import an, checked, either, name_of, optional, seed_number
from hybrid_train.support.messages import listed, table_errors
from hybrid_train.support.registry import ENTRY_POINT_GROUP, load_class

FINDERS = {
    "scan": "classical.scan:ScanFinder",
    "empty": "classical.empty:EmptyFinder",
    "hsr": "classical.hsr:HSRFinder",
    "onion": "classical.onion:OnionFinder",
    "skin": "classical.skin:SkinFinder",
    "sparse_columns": "classical.sparse_columns:SparseColumnsFinder",
    "auto": "classical.auto:AutoFinder",
    "correlation_tree": "classical.correlation_tree:CorrelationTreeFinder",
    "lsh": "classical.lsh:LSHFinder",
    "grover": "circuits.finder:GroverFinder",
}
"""The finders of this distribution: name -> "module:Class"."""


def finder_kinds() -> dict[str, str]:
    """Return every registered finder, name -> "module:Class"; a built-in name cannot be taken over."""
    return {name: claims[0].place for name, claims in _plug_ins().items()} | FINDERS


def finders_passed_over() -> list[str]:
    """Return, in sentences, which plug-ins cannot be had because a finder of this distribution has their name."""
    return [f"{claim} is passed over: the name is taken" for name in FINDERS for claim in _plug_ins().get(name, [])]


def finder_class(kind: str) -> type[ActiveSetFinder]:
    """Return the class registered under ``kind``; that of a plug-in names the plug-in in its errors.

    Raises:
        ConfigError: no such finder (the nearest name is given), or it cannot be loaded.
    """
    if (plug_in := _plug_in(kind)) is not None:
        return plug_in.load()
    return load_class(kind, FINDERS if kind in FINDERS else finder_kinds(), "finder.kind")


def finder_options(kind: str) -> type[BaseModel]:
    """Return the schema of a finder's options, read off the keyword arguments of its ``__init__``."""
    cls, plug_in = finder_class(kind), _plug_in(kind)
    with nullcontext() if plug_in is None else plug_in.named("the signature of __init__", ConfigError):
        return _options_of(cls)


@cache
def _options_of(cls: type[ActiveSetFinder]) -> type[BaseModel]:
    hints = typing.get_type_hints(cls.__init__, include_extras=True)
    options: dict[str, Any] = {}
    for name, parameter in inspect.signature(cls).parameters.items():
        if parameter.kind is parameter.KEYWORD_ONLY:
            default = ... if parameter.default is parameter.empty else parameter.default
            options[name] = (hints.get(name, Any), Field(default=default))
    config = ConfigDict(extra="forbid", strict=True, arbitrary_types_allowed=True, allow_inf_nan=False)
    return create_model(f"{cls.__name__}Options", __config__=config, **options)


@checked(kind=name_of("finder"), seed=optional(either(seed_number(), an(np.random.SeedSequence))))
def make_finder(kind: str, *, seed: int | np.random.SeedSequence | None = None, **options: Any) -> ActiveSetFinder:
    """Make a finder by name.

    Args:
        kind: a registered name, see :func:`finder_kinds`.
        seed: for finders that draw; the same seed gives the same answers and the same cost.
        options: of that kind only.

    Raises:
        ConfigError: unknown kind or option, or a value out of range; all errors at once.
        PluginError: a finder of another distribution fails to be made.
    """
    if errors := table_errors(finder_options(kind), options, "finder"):
        raise ConfigError(listed(errors))
    cls, plug_in = finder_class(kind), _plug_in(kind)
    with nullcontext() if plug_in is None else plug_in.named("__init__"):
        finder = cls(**options)
    if seed is not None:
        finder.plan(seed=seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed))
    return finder


def _plug_in(kind: str) -> PlugIn | None:
    """Return the plug-in that this name stands for, None for one of this distribution's finders or of nobody's.

    Raises:
        ConfigError: several distributions claim the name.
    """
    claims = [] if kind in FINDERS else _plug_ins().get(kind, [])
    if len(claims) > 1:
        raise ConfigError(f"finder.kind={kind!r}: several plug-ins have this name: {'; '.join(map(str, claims))}")
    return claims[0] if claims else None


def _plug_ins() -> dict[str, list[PlugIn]]:
    return _announced(entry_points, tuple((place, _changed(place)) for place in sys.path))


@lru_cache(maxsize=1)
def _announced(ask: Callable[..., EntryPoints], places: tuple[tuple[str, int], ...]) -> dict[str, list[PlugIn]]:
    """Return the plug-ins of all distributions, looked for again where a folder that holds distributions has changed.

    Args:
        ask: for the entry points of a group.
        places: (folder, when it changed last) of each place where distributions are looked for.
    """
    return plug_ins(ask(group=ENTRY_POINT_GROUP))


def _changed(place: str) -> int:
    try:
        return os.stat(place or ".").st_mtime_ns
    except (OSError, ValueError):
        return 0
