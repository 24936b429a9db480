"""``--set section.key=value``: changing a config, and putting aside what no longer fits."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from hybrid_train.config.data_kinds import DATA_KINDS
from hybrid_train.config.schema import NETWORK_KINDS, AdversaryConfig, TrainingConfig
from hybrid_train.config.section import Section, misfits
from hybrid_train.errors import ConfigError
from hybrid_train.support.messages import printable, quoted, shown

KINDS_OF: dict[str, Mapping[str, type[Section]]] = {"data": DATA_KINDS, "network": NETWORK_KINDS}
"""Tables that are read by their kind."""

Override = tuple[list[str], Any]


def overridden(tables: dict[str, Any], overrides: Iterable[str]) -> list[str]:
    """Put overrides into the tables; what fits an old kind or an old choice alone is put aside.

    What an override names itself is never put aside: where it does not fit, the check of the config says so.

    Args:
        tables: of the config, changed in place.
        overrides: ``"section.key=value"``.

    Returns:
        What was put aside, a sentence for each table.

    Raises:
        ConfigError: an override is not of that form, or names a key inside a value.
    """
    # Kinds first, and all that is put aside before anything else is put in: their order does not matter.
    parsed = sorted((_parsed(text) for text in overrides), key=lambda item: item[0][1:] != ["kind"])
    notes = [note for path, value in parsed for note in _put_aside(tables, path, value)]
    for path, value in parsed:
        table = tables
        for part in path[:-1]:
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                name = printable(".".join(path), 80)
                raise ConfigError(f"--set {name}: {shown(part)} is a value, not a table")
        table[path[-1]] = value
    return notes


def _put_aside(tables: dict[str, Any], path: list[str], value: Any) -> list[str]:
    """Take out of the tables what does not go with this override, and say what."""
    section, key = path[0], path[-1]
    table = tables.get(section)
    if len(path) != 2 or not isinstance(table, dict) or table.get(key) == value:
        return []
    if section == "finder" and key == "kind":
        gone = [name for name in table if name != "kind"]
    elif section in KINDS_OF and key == "kind":
        known = KINDS_OF[section].get(value) if isinstance(value, str) else None
        gone = [name for name in table if name != "kind" and known is not None and name not in known.model_fields]
    else:
        schema = _schema(section, table)
        gone = [] if schema is None else misfits(schema, table, key, value)
    for name in gone:
        del table[name]
    table[key] = value  # what follows is judged by it
    notes = [_note(section, gone, path, value)] if gone else []
    if path == ["training", "algorithm"] and value != "adversarial" and "adversary" in tables:
        del tables["adversary"]
        notes.append(f"--set {section}.{key}={quoted(value)}: the table [adversary] is put aside")
    return notes


def _note(section: str, gone: list[str], path: list[str], value: Any) -> str:
    names = ", ".join(f"{section}.{shown(name)}" for name in gone)
    return (
        f"--set {'.'.join(path)}={quoted(value)}: {names} {'is' if len(gone) == 1 else 'are'} put aside, "
        "as not going with it"
    )


def _schema(section: str, table: Mapping[str, Any]) -> type[Section] | None:
    """Return what a table is read by, as far as it can be told."""
    if section in KINDS_OF:
        kind = table.get("kind", "two_layer" if section == "network" else None)
        return KINDS_OF[section].get(kind) if isinstance(kind, str) else None
    others: dict[str, type[Section]] = {"training": TrainingConfig, "adversary": AdversaryConfig}
    return others.get(section)


def _parsed(override: str) -> Override:
    name, equals, text = override.partition("=")
    path = [part.strip() for part in name.split(".")]
    if not equals or len(path) < 2 or not all(path):
        raise ConfigError(f"--set {quoted(override)}: expected section.key=value, such as training.steps=50")
    try:
        value = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):  # not TOML, an integer of thousands of digits, or nested as deeply
        return path, text.strip()
    whole = list(value) == ["value"] and isinstance(value["value"], str | int | float | list | dict)
    return path, value["value"] if whole else text.strip()
