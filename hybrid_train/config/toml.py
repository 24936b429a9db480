"""TOML out: the few shapes a config has; reading is left to ``tomllib``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from hybrid_train.errors import InvariantError

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def toml_text(tables: Mapping[str, Any], path: tuple[str, ...] = ()) -> str:
    """Return nested tables of strings, numbers, booleans and lists as TOML; ``tomllib`` reads the same back.

    Raises:
        InvariantError: a value TOML has no form for.
    """
    values = [f"{_key(key)} = {_value(value)}" for key, value in tables.items() if not isinstance(value, Mapping)]
    header = [f"[{'.'.join(_key(part) for part in path)}]"] if path and (values or not tables) else []
    blocks = ["\n".join([*header, *values]) + "\n"] if header or values else []
    blocks += [toml_text(value, (*path, key)) for key, value in tables.items() if isinstance(value, Mapping)]
    return "\n".join(blocks)


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _string(key)


def _string(text: str) -> str:
    # JSON's escapes are TOML's, but for DEL, which only JSON lets stand.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    raise InvariantError(f"{value!r} has no form in TOML")
