"""Every registered finder with its promise, source and options, found out from the classes themselves."""

from __future__ import annotations

import inspect
from typing import Any, Literal, get_args, get_origin

from pydantic_core import PydanticUndefined

from hybrid_train.errors import ConfigError, PluginError
from hybrid_train.finder.registry import FINDERS, finder_class, finder_kinds, finder_options, make_finder


def known_finders() -> list[dict[str, Any]]:
    """Return every registered finder: name, promise, what it does, source, options with defaults.

    One that cannot be loaded has an ``error`` and nothing else; options that only Python can give are left out.
    """
    return [_known_finder(kind, place) for kind, place in finder_kinds().items()]


def own_finders() -> list[dict[str, Any]]:
    """Return the finders of this distribution alone, likewise."""
    return [_known_finder(kind, place) for kind, place in FINDERS.items()]


def _known_finder(kind: str, place: str) -> dict[str, Any]:
    try:
        fields = finder_options(kind).model_fields
        cls = finder_class(kind)
    except Exception as error:  # a plug-in may fail in any way while it is imported
        text = str(error) if isinstance(error, ConfigError) else f"{type(error).__name__}: {error}"
        return {"name": kind, "class": place, "error": " ".join(text.split())}
    options = {name: _option(field) for name, field in fields.items() if field.annotation is not Any}
    try:
        promise = str(make_finder(kind).promise)
    except PluginError as error:
        return {"name": kind, "class": place, "error": str(error)}
    except ConfigError:  # an option is to be given
        promise = None
    about = {"name": kind, "class": place, "promise": promise, "summary": _summary(cls), "source": str(cls.source)}
    return {**about, "options": options}


def _summary(cls: type) -> str:
    """Return the first paragraph of a class's docstring on one line, without its full stop."""
    return " ".join((inspect.getdoc(cls) or "").split("\n\n")[0].split()).replace("``", "").removesuffix(".")


def _option(field: Any) -> dict[str, Any]:
    """Return an option's default and a line about it."""
    choices = _choices(field.annotation)
    if field.default is PydanticUndefined:
        return {"required": True, "choices": choices, "text": "(to be given)"}
    shown = f"{field.default!r}" if field.default is not None else "(by itself)"
    text = f"{shown}, one of {', '.join(map(repr, choices))}" if choices else shown
    default = (
        field.default if isinstance(field.default, str | int | float | list | dict | None) else repr(field.default)
    )
    return {"required": False, "default": default, "choices": choices, "text": text}


def _choices(annotation: Any) -> list[Any]:
    """Return the words of a Literal, of one that may be None too, for instance."""
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    return [word for part in get_args(annotation) for word in _choices(part)]
