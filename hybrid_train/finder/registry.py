"""Which finders there are. Nothing is imported until a finder is asked for by name."""

from __future__ import annotations

import inspect
import typing
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, create_model

from hybrid_train.errors import ConfigError
from hybrid_train.finder.interface import ActiveSetFinder
from hybrid_train.support.messages import listed, table_errors
from hybrid_train.support.names import nearest

FINDERS = {
    "scan": "classical.scan:ScanFinder",
    "empty": "classical.empty:EmptyFinder",
    "hsr": "classical.hsr:HSRFinder",
    "skin": "classical.skin:SkinFinder",
    "sparse_columns": "classical.sparse_columns:SparseColumnsFinder",
    "auto": "classical.auto:AutoFinder",
    "correlation_tree": "classical.correlation_tree:CorrelationTreeFinder",
    "lsh": "classical.lsh:LSHFinder",
    "grover": "circuits.finder:GroverFinder",
}
"""The finders of this distribution: name -> "module:Class"."""

ENTRY_POINT_GROUP = "hybrid_train.finders"
"""Other distributions add finders under this entry-point group, in the same "name = module:Class" form."""


def finder_kinds() -> dict[str, str]:
    """Return every registered finder, name -> "module:Class"; a built-in name cannot be taken over."""
    return {point.name: point.value for point in entry_points(group=ENTRY_POINT_GROUP)} | FINDERS


def finder_class(kind: str) -> type[ActiveSetFinder]:
    """Return the class registered under ``kind``.

    Raises:
        ConfigError: no such finder (the nearest name is given), or it cannot be imported.
    """
    kinds = finder_kinds()
    if kind not in kinds:
        raise ConfigError(f"finder.kind={kind!r}: no such finder{nearest(kind, kinds)}; known: {', '.join(kinds)}")
    module, _, name = kinds[kind].partition(":")
    try:
        cls = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"finder.kind={kind!r}: cannot load {kinds[kind]}: {error}") from error
    if not (isinstance(cls, type) and issubclass(cls, ActiveSetFinder)):
        raise ConfigError(f"finder.kind={kind!r}: {kinds[kind]} is not an ActiveSetFinder")
    return cls


def finder_options(kind: str) -> type[BaseModel]:
    """Return the schema of a finder's options, read off the keyword arguments of its ``__init__``."""
    cls = finder_class(kind)
    hints = typing.get_type_hints(cls.__init__, include_extras=True)
    options: dict[str, Any] = {}
    for name, parameter in inspect.signature(cls).parameters.items():
        if parameter.kind is parameter.KEYWORD_ONLY:
            default = ... if parameter.default is parameter.empty else parameter.default
            options[name] = (hints.get(name, Any), Field(default=default))
    config = ConfigDict(extra="forbid", strict=True, arbitrary_types_allowed=True, allow_inf_nan=False)
    return create_model(f"{cls.__name__}Options", __config__=config, **options)


def make_finder(kind: str, *, seed: int | np.random.SeedSequence | None = None, **options: Any) -> ActiveSetFinder:
    """Make a finder by name.

    Args:
        kind: a registered name, see :func:`finder_kinds`.
        seed: for finders that draw; the same seed gives the same answers and the same cost.
        options: of that kind only.

    Raises:
        ConfigError: unknown kind or option, or a value out of range; all errors at once.
    """
    if errors := table_errors(finder_options(kind), options, "finder"):
        raise ConfigError(listed(errors))
    finder = finder_class(kind)(**options)
    if seed is not None:
        finder.plan(seed=seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed))
    return finder
