"""Configs made from others."""

from __future__ import annotations

from typing import Any

Tables = dict[str, dict[str, Any]]


def replaced(tables: Tables, **sections: dict[str, Any]) -> Tables:
    """Copy a config with these sections instead of its own."""
    return {name: dict(table) for name, table in tables.items()} | sections


def merged(tables: Tables, **sections: dict[str, Any]) -> Tables:
    """Copy a config with these keys in place of its own."""
    return tables | {name: tables.get(name, {}) | values for name, values in sections.items()}
