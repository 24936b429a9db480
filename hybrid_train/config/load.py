"""Reading a config: file or dict, overrides, then one check of everything."""

from __future__ import annotations

import copy
import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hybrid_train.config.combinations import combination_errors
from hybrid_train.config.schema import (
    DATA_KINDS,
    NETWORK_KINDS,
    AdversaryConfig,
    Config,
    FinderConfig,
    NetworkConfig,
    RunConfig,
    TrainingConfig,
)
from hybrid_train.config.section import Section
from hybrid_train.errors import ConfigError
from hybrid_train.finder.registry import finder_kinds, finder_options, make_finder
from hybrid_train.support.messages import quoted, table_errors
from hybrid_train.support.names import nearest

ConfigSource = Config | Mapping[str, Any] | str | os.PathLike[str]

_SECTIONS: dict[str, type[Section]] = {
    "training": TrainingConfig,
    "adversary": AdversaryConfig,
    "run": RunConfig,
}
_NAMES = ("data", "network", *_SECTIONS, "finder", "finders")

_KINDS_OF: dict[str, Mapping[str, type[Section]]] = {"data": DATA_KINDS, "network": NETWORK_KINDS}
"""Tables that are read by their kind."""

_KINDS = (["finder", "kind"], *([section, "kind"] for section in _KINDS_OF))


def load_config(source: ConfigSource, overrides: Sequence[str] = ()) -> Config:
    """Read and check a config.

    Sections: ``[data]`` (kind and its options), ``[network]``, ``[training]``, ``[adversary]``, ``[finder]`` (kind and
    the options of that kind), ``[run]``; and for comparisons ``[finders.<kind>]``, the options of each finder by kind.

    Args:
        source: a TOML file, the same tables as a dict, or a Config.
        overrides: ``"section.key=value"``, the value as in TOML, a bare word being a string. A new ``finder.kind``
            puts aside the old kind's options, a new ``data.kind`` or ``network.kind`` those it does not know.

    Returns:
        The config with defaults filled in and ``data.path`` absolute.

    Raises:
        ConfigError: unreadable, or not valid; one line of the message for each error there is.
    """
    if isinstance(source, Config):
        tables, folder = source.as_dict(), Path.cwd()
    elif isinstance(source, Mapping):
        tables, folder = copy.deepcopy(dict(source)), Path.cwd()
    else:
        tables, folder = _read(Path(source)), Path(source).parent
    return _checked(_overridden(tables, overrides), folder)


def finder_errors(kind: Any, options: Mapping[str, Any], path: str) -> list[str]:
    """Return what is wrong with a finder's kind and options, one line each; none if such a finder can be made.

    Args:
        kind: a registered name.
        options: of that kind.
        path: the table of the options, for the messages.
    """
    kinds = finder_kinds()
    if not isinstance(kind, str) or kind not in kinds:
        return [f"finder.kind={quoted(kind)}: expected one of {', '.join(kinds)}{nearest(str(kind), kinds)}"]
    try:
        schema = finder_options(kind)
    except ConfigError as error:
        return [str(error)]
    fields = schema.model_fields
    errors = [
        f"{path}.{key}={quoted(value)}: can only be given from Python, to hybrid_train.make_finder"
        for key, value in options.items()
        if key in fields and fields[key].annotation is Any
    ] or table_errors(schema, options, path)
    if not errors:
        try:
            make_finder(kind, **options)
        except ConfigError as error:
            return [f"{path}{'.' if re.match(r'[a-z_]+=', str(error)) else ': '}{error}"]
    return errors


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"config={str(path)!r}: no such file") from None
    except OSError as error:
        raise ConfigError(f"config={str(path)!r}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"config={str(path)!r}: not UTF-8 text, byte {error.start} is wrong") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"config={str(path)!r}: not valid TOML: {error}") from None


def _overridden(tables: dict[str, Any], overrides: Iterable[str]) -> dict[str, Any]:
    """Return the tables with the overrides in place; new kinds first, so that their order does not matter."""
    parsed = [_parsed(text) for text in overrides]
    for path, value in sorted(parsed, key=lambda item: item[0] not in _KINDS):
        table = tables
        for part in path[:-1]:
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                raise ConfigError(f"--set {'.'.join(path)}: {part} is a value, not a table")
        if path[-1] == "kind" and value != table.get("kind"):
            _drop_foreign(path[0], table, value)
        table[path[-1]] = value
    return tables


def _drop_foreign(section: str, table: dict[str, Any], kind: Any) -> None:
    """Empty a table of the options that belong to its old kind."""
    known: Iterable[str] = table
    if section == "finder":
        known = ()
    elif section in _KINDS_OF and isinstance(kind, str) and kind in _KINDS_OF[section]:
        known = _KINDS_OF[section][kind].model_fields
    for key in set(table) - set(known):
        del table[key]


def _parsed(override: str) -> tuple[list[str], Any]:
    name, equals, text = override.partition("=")
    path = [part.strip() for part in name.split(".")]
    if not equals or len(path) < 2 or not all(path):
        raise ConfigError(f"--set {override!r}: expected section.key=value, such as training.steps=50")
    try:
        value = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return path, text.strip()
    scalar = list(value) == ["value"] and isinstance(value["value"], str | int | float | list)
    return path, value["value"] if scalar else text.strip()


def _checked(tables: dict[str, Any], folder: Path) -> Config:
    """Return the config, or raise one ConfigError that lists everything wrong."""
    errors = [
        f"{name}: unknown section{nearest(name, _NAMES)}; known: {', '.join(_NAMES)}"
        for name in tables
        if name not in _NAMES
    ]
    sections: dict[str, Any] = {}
    for name in _NAMES:
        table = tables.get(name, {})
        if isinstance(table, Mapping):
            sections[name] = dict(table)
        else:
            errors.append(f"{name}={quoted(table)}: expected a table, [{name}]")
    if "data" in sections:
        errors += _data_errors(sections["data"], given="data" in tables)
    if "network" in sections:
        errors += _network_errors(sections["network"])
    for name, schema in _SECTIONS.items():
        errors += table_errors(schema, sections.get(name, {}), name)
    if "finder" in sections:
        kind = sections["finder"].setdefault("kind", FinderConfig.kind)
        errors += finder_errors(kind, _without_kind(sections["finder"]), "finder")
    for kind, options in sections.get("finders", {}).items():
        table = isinstance(options, Mapping)
        path = f"finders.{kind}"
        errors += finder_errors(kind, options, path) if table else [f"{path}={quoted(options)}: expected a table"]
    if not errors:
        config = _built(sections, folder)
        errors = combination_errors(config)
    if errors:
        raise ConfigError("\n".join(errors))
    return config


def _data_errors(table: dict[str, Any], *, given: bool) -> list[str]:
    kinds = ", ".join(DATA_KINDS)
    kind = table.get("kind")
    if kind is None:
        return [f"data{'.kind' if given else ''}: missing, expected a kind of data: {kinds}"]
    if not isinstance(kind, str) or kind not in DATA_KINDS:
        return [f"data.kind={quoted(kind)}: expected one of {kinds}{nearest(str(kind), DATA_KINDS)}"]
    return table_errors(DATA_KINDS[kind], table, "data")


def _network_errors(table: dict[str, Any]) -> list[str]:
    kind = table.setdefault("kind", NetworkConfig.model_fields["kind"].default)
    if not isinstance(kind, str) or kind not in NETWORK_KINDS:
        kinds = ", ".join(NETWORK_KINDS)
        return [f"network.kind={quoted(kind)}: expected one of {kinds}{nearest(str(kind), NETWORK_KINDS)}"]
    return table_errors(NETWORK_KINDS[kind], table, "network")


def _built(sections: dict[str, Any], folder: Path) -> Config:
    data = sections["data"]
    if "path" in data:
        data["path"] = os.path.abspath(folder / Path(data["path"]).expanduser())
    return Config(
        data=DATA_KINDS[data["kind"]](**data),
        network=NETWORK_KINDS[sections["network"]["kind"]](**sections["network"]),
        training=TrainingConfig(**sections["training"]),
        finder=FinderConfig(sections["finder"]["kind"], _without_kind(sections["finder"])),
        finders={kind: dict(options) for kind, options in sections["finders"].items()},
        run=RunConfig(**sections["run"]),
        adversary=_adversary(sections),
    )


def _adversary(sections: dict[str, Any]) -> AdversaryConfig | None:
    """Return who moves the examples, if anybody does or is asked to."""
    wanted = sections["adversary"] or sections["training"].get("algorithm") == "adversarial"
    return AdversaryConfig(**sections["adversary"]) if wanted else None


def _without_kind(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key != "kind"}
