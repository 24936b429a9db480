"""Every registered finder with its promise, source and options, for tables and people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import PydanticUndefined

from hybrid_train.errors import ConfigError, PluginError
from hybrid_train.finder.registry import finder_class, finder_kinds, finder_options, make_finder


def known_finders() -> list[dict[str, Any]]:
    """Return every registered finder: name, promise, source, options with defaults.

    One that cannot be loaded has an ``error`` and nothing else; options that only Python can give are left out.
    """
    return [_known_finder(kind, place) for kind, place in finder_kinds().items()]


def finder_text(finders: Sequence[Mapping[str, Any]]) -> str:
    """Return :func:`known_finders` for people."""
    blocks = []
    for finder in finders:
        lines = [f"{finder['name']}: {finder.get('promise') or 'promise depends on its options'}"]
        if "error" in finder:
            lines = [f"{finder['name']}: cannot be loaded: {finder['error']}"]
        if finder.get("source"):
            lines.append(f"  {finder['source']}")
        lines += [f"  {name} = {option['text']}" for name, option in finder.get("options", {}).items()]
        blocks.append("\n".join(lines))
    return "\n".join(blocks)


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
    return {"name": kind, "class": place, "promise": promise, "source": str(cls.source), "options": options}


def _option(field: Any) -> dict[str, Any]:
    """Return an option's default and a line about it."""
    kind = getattr(field.annotation, "__name__", "")
    choices = list(getattr(field.annotation, "__args__", ())) if kind == "Literal" else []
    if field.default is PydanticUndefined:
        return {"required": True, "choices": choices, "text": "(to be given)"}
    shown = f"{field.default!r}" if field.default is not None else "(by itself)"
    text = f"{shown}, one of {', '.join(map(repr, choices))}" if choices else shown
    default = (
        field.default if isinstance(field.default, str | int | float | list | dict | None) else repr(field.default)
    )
    return {"required": False, "default": default, "choices": choices, "text": text}
