"""What is wrong with a table, one line for each key: dotted path, value, what was expected, nearest valid name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from hybrid_train.support.names import nearest

_EXPECTED = {
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "a string",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a table",
    "finite_number": "a finite number",
    "greater_than": "a number above {gt}",
    "greater_than_equal": "a number of at least {ge}",
    "less_than": "a number below {lt}",
    "less_than_equal": "a number of at most {le}",
    "literal_error": "{expected}",
}


def table_errors(schema: type[BaseModel], table: Mapping[str, Any], path: str) -> list[str]:
    """Check a flat table against its schema.

    Args:
        schema: a pydantic model without nested models.
        table: the keys and values given.
        path: where the table stands, for the messages.

    Returns:
        One line for each key that is wrong, none if the table is valid.
    """
    try:
        schema(**table)
    except ValidationError as error:
        by_key: dict[str, list[ErrorDetails]] = {}
        for item in error.errors():
            by_key.setdefault(str(item["loc"][0]) if item["loc"] else "", []).append(item)
        return [f"{path}.{_line(key, items, schema, table)}" for key, items in by_key.items()]
    return []


def quoted(value: Any) -> str:
    """Return a value as a message shows it: strings quoted, long ones cut."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _line(key: str, items: list[ErrorDetails], schema: type[BaseModel], table: Mapping[str, Any]) -> str:
    """Return the line for one key; the members of a union each report an error, and are told as one."""
    first = items[0]
    if first["type"] == "value_error":
        return str(first["ctx"]["error"])
    if first["type"] == "extra_forbidden":
        known = list(schema.model_fields)
        return f"{key}={quoted(table[key])}: unknown key{nearest(key, known)}; known: {', '.join(known) or 'none'}"
    description = schema.model_fields[key].description
    expected = description or " or ".join(dict.fromkeys(_expected(item) for item in items))
    if first["type"] == "missing":
        return f"{key}: missing, expected {expected}"
    names = [name for item in items for name in re.findall(r"'([^']*)'", item.get("ctx", {}).get("expected", ""))]
    hint = nearest(table[key], names) if isinstance(table[key], str) else ""
    return f"{key}={quoted(table[key])}: expected {expected}{hint}"


def _expected(item: ErrorDetails) -> str:
    if item["type"] == "missing":
        return "a value"
    template = _EXPECTED.get(item["type"])
    if template is None:
        return item["msg"].removeprefix("Input should be ")
    return template.format(**item.get("ctx", {}))
