"""Registries: dictionaries name -> "module:Class", of which nothing is imported until it is asked for by name."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from hybrid_train.errors import ConfigError
from hybrid_train.support.names import nearest

ENTRY_POINT_GROUP = "hybrid_train.finders"
"""Other distributions add finders under this entry-point group, in the form "name = module:Class"."""


def load_class(name: str, registry: Mapping[str, str], what: str) -> type[Any]:
    """Return the class registered under ``name``.

    Args:
        name: a key of the registry.
        registry: name -> "module:Class".
        what: the option that names it, for the error.

    Raises:
        ConfigError: no such name (the nearest one is given), or the class cannot be imported.
    """
    if name not in registry:
        raise ConfigError(f"{what}={name!r}: expected one of {', '.join(registry)}{nearest(str(name), registry)}")
    module, _, cls = registry[name].partition(":")
    try:
        kind = getattr(import_module(module), cls)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"{what}={name!r}: cannot load {registry[name]}: {error}") from error
    if not isinstance(kind, type):
        raise ConfigError(f"{what}={name!r}: {registry[name]} is not a class")
    return kind


def load(name: str, registry: Mapping[str, str], what: str, **options: Any) -> Any:
    """Return an instance of the class registered under ``name``.

    Args:
        name: a key of the registry.
        registry: name -> "module:Class".
        what: the option that names it, for errors.
        options: arguments; those that are None are left out.

    Raises:
        ConfigError: as :func:`load_class`; or an option that the class does not have.
    """
    kind = load_class(name, registry, what)
    given = {key: value for key, value in options.items() if value is not None}
    known = inspect.signature(kind).parameters
    for key, value in given.items():
        if key not in known:
            others = ", ".join(known) or "none"
            raise ConfigError(
                f"{key}={value}: {what}={name!r} has no {key}{nearest(key, known)}; leave it out, known: {others}"
            )
    return kind(**given)
