"""What is wrong with a table, one line for each key: dotted path, value, what was expected, nearest valid name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
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


MOST_ERRORS = 20
"""Lines that a person still reads."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]{1,60}")
_LONGEST = 2000


def table_errors(
    schema: type[BaseModel], table: Mapping[str, Any], path: str, elsewhere: Callable[[str], str] = lambda key: ""
) -> list[str]:
    """Check a flat table against its schema.

    Args:
        schema: a pydantic model without nested models.
        table: the keys and values given.
        path: where the table stands, for the messages.
        elsewhere: what to say of an unknown key that has a meaning in another table, or nothing.

    Returns:
        One line for each key that is wrong, none if the table is valid.
    """
    known = {key: value for key, value in table.items() if key in schema.model_fields}
    lines = []
    try:
        schema(**known)
    except ValidationError as error:
        by_key: dict[str, list[ErrorDetails]] = {}
        for item in error.errors(include_url=False):
            by_key.setdefault(str(item["loc"][0]) if item["loc"] else "", []).append(item)
        lines = [f"{path}.{_line(key, items, schema, table)}" for key, items in by_key.items()]
    if len(known) < len(table):
        unknown = [key for key in table if key not in known]
        lines += [f"{path}.{_unknown(key, table[key], schema, elsewhere)}" for key in unknown[:MOST_ERRORS]]
        lines += [f"{path}.{shown(key)}: unknown key" for key in unknown[MOST_ERRORS:]]
    return lines


def listed(errors: Sequence[str]) -> str:
    """Return errors as one text, one a line, the first :data:`MOST_ERRORS` of them."""
    more = len(errors) - MOST_ERRORS
    return "\n".join([*errors[:MOST_ERRORS], *([f"and {more} more errors"] if more > 0 else [])])


def quoted(value: Any) -> str:
    """Return a value as a message shows it: on one line, strings quoted, long ones cut."""
    try:
        text = repr(value)
    except Exception:  # nested too deeply, an integer of too many digits, or an object of the caller's
        text = f"<{type(value).__name__}>"
    return printable(text, 80)


def shown(key: Any) -> str:
    """Return a key or a name as a message shows it: bare where it is plain, else quoted."""
    return key if isinstance(key, str) and _BARE_KEY.fullmatch(key) else quoted(key)


def printable(text: str, longest: int = _LONGEST) -> str:
    """Return text of others as one line without control characters, which could forge a message of ours."""
    cut = text if len(text) <= longest else f"{text[: longest - 3]}..."
    if cut.isprintable():
        return cut
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in cut)


def _unknown(key: Any, value: Any, schema: type[BaseModel], elsewhere: Callable[[str], str]) -> str:
    known = list(schema.model_fields)
    hint = elsewhere(str(key)) or nearest(str(key), known)
    return f"{shown(key)}={quoted(value)}: unknown key{hint}; known: {', '.join(known) or 'none'}"


def _line(key: str, items: list[ErrorDetails], schema: type[BaseModel], table: Mapping[str, Any]) -> str:
    """Return the line for one key; the members of a union each report an error, and are told as one."""
    first = items[0]
    if first["type"] == "value_error":
        return str(first["ctx"]["error"])
    description = schema.model_fields[key].description
    limits = [_expected(item) for item in items if _is_limit(item, table.get(key))]
    expected = limits[0] if limits else description or " or ".join(dict.fromkeys(_expected(item) for item in items))
    if first["type"] == "missing":
        return f"{key}: missing, expected {expected}"
    names = [name for item in items for name in re.findall(r"'([^']*)'", item.get("ctx", {}).get("expected", ""))]
    hint = nearest(table[key], names) if isinstance(table[key], str) else ""
    return f"{key}={quoted(table[key])}: expected {expected}{hint}"


def _is_limit(item: ErrorDetails, value: Any) -> bool:
    """Whether a value is of the right kind but too large, or too close to 0, to compute with."""
    if item["type"] == "greater_than_equal" and not isinstance(value, list):
        return bool(value > 0 and 0 < item["ctx"]["ge"] < 1)
    return item["type"] == "less_than_equal"


def _expected(item: ErrorDetails) -> str:
    if item["type"] == "missing":
        return "a value"
    template = _EXPECTED.get(item["type"])
    if template is None:
        return item["msg"].removeprefix("Input should be ")
    return template.format(**item.get("ctx", {}))
