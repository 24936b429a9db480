"""Reading a config: file or dict, overrides, then one check of everything."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hybrid_train.config.combinations import combination_errors
from hybrid_train.config.data_kinds import DATA_KINDS
from hybrid_train.config.deep_networks import DeepSection
from hybrid_train.config.overrides import KINDS_OF, overridden
from hybrid_train.config.schema import (
    NETWORK_KINDS,
    AdversaryConfig,
    Config,
    FinderConfig,
    NetworkConfig,
    RunConfig,
    TrainingConfig,
)
from hybrid_train.config.section import Section
from hybrid_train.errors import ConfigError, PluginError
from hybrid_train.finder.registry import finder_kinds, finder_options, make_finder
from hybrid_train.support.declared import an, checked, either, inside, sequence, text
from hybrid_train.support.declared import path as path_kind
from hybrid_train.support.messages import MOST_ERRORS, listed, printable, quoted, shown, table_errors
from hybrid_train.support.names import nearest
from hybrid_train.support.untrusted import MIB, UnreadableError, read_text, reading

ConfigSource = Config | Mapping[str, Any] | str | os.PathLike[str]

_SECTIONS: dict[str, type[Section]] = {
    "training": TrainingConfig,
    "adversary": AdversaryConfig,
    "run": RunConfig,
}
_NAMES = ("data", "network", *_SECTIONS, "finder", "finders")

_LARGEST = MIB
"""Bytes of a config file; the longest sensible one has a few thousand."""

_DEEPEST = 20

_MOST_DOTS = 2_000_000
"""The sum over the lines of the points in each, squared: 1400 points in one line, or 10 in each of 20 000."""


CONFIG_SOURCE = inside(either(an(Config, Mapping), path_kind()))
"""What a config may be given as."""


@checked(source=CONFIG_SOURCE, overrides=sequence(text(), 0))
def load_config(source: ConfigSource, overrides: Sequence[str] = ()) -> Config:
    """Read and check a config.

    Sections: ``[data]`` (kind and its options), ``[network]``, ``[training]``, ``[adversary]``, ``[finder]`` (kind and
    the options of that kind), ``[run]``; and for comparisons ``[finders.<kind>]``, the options of each finder by kind.

    Args:
        source: a TOML file, the same tables as a dict, or a Config.
        overrides: ``"section.key=value"``, the value as in TOML, a bare word being a string. A new ``finder.kind``
            puts aside the old kind's options, any other new choice those that do not go with it; the config's
            ``notes`` say which.

    Returns:
        The config with defaults filled in and ``data.path`` and a path in ``data.test`` absolute.

    Raises:
        ConfigError: unreadable, or not valid; one line of the message for each error there is.
    """
    tables = _tables(source.as_dict() if isinstance(source, Config) else source)
    folder = Path() if isinstance(source, Config | Mapping) else Path(source).parent
    notes = (*(source.notes if isinstance(source, Config) else ()), *overridden(tables, overrides))
    return replace(_checked(tables, folder), notes=notes)


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
        except PluginError as error:
            return [str(error)]
        except ConfigError as error:
            return [f"{path}{'.' if re.match(r'[a-z_]+=', str(error)) else ': '}{error}"]
    return errors


def _tables(source: Mapping[Any, Any] | str | os.PathLike[str]) -> dict[str, Any]:
    if isinstance(source, Mapping):
        return {str(name): _plain(table) for name, table in source.items()}
    if not isinstance(source, str | os.PathLike):
        raise ConfigError(f"config={quoted(source)}: expected the path of a TOML file, or its tables as a dict")
    name = f"config={printable(repr(os.fspath(source)))}"
    with reading(name, ConfigError, "not valid TOML"):
        text = read_text(Path(source), _LARGEST)
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        _check_dots(text)
        try:
            return tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(
                f"{name}: not valid TOML: {printable(str(error))}{_backslash_hint(text, error)}"
            ) from None


def _check_dots(text: str) -> None:
    """Refuse keys of very many parts, for which ``tomllib`` takes memory that grows with the square of the parts."""
    squares = 0
    for at, line in enumerate(text.split("\n"), 1):
        dots = line.count(".")
        squares += dots * dots
        if squares > _MOST_DOTS:
            raise UnreadableError(f"line {at}: more points than a config needs, {dots} in this line; shorten it")


def _backslash_hint(text: str, error: tomllib.TOMLDecodeError) -> str:
    """Return what to do where a Windows path was meant."""
    at = re.search(r"at line (\d+)", str(error))
    lines = text.splitlines()[int(at[1]) - 1 : int(at[1])] if at else []
    if not any(re.search(r'"[^"]*\\', line) for line in lines):
        return ""
    return "; a path with backslashes goes in single quotes, 'C:\\data\\x.csv'"


def _plain(value: Any, depth: int = 0) -> Any:
    """Return a copy with what Python has beside TOML's types turned into them: NumPy's scalars, paths and tuples.

    Raises:
        ConfigError: nested too deeply.
    """
    if depth > _DEEPEST:
        raise ConfigError(f"config: nested too deeply; expected at most {_DEEPEST} levels")
    if isinstance(value, Mapping):
        return {key: _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, depth + 1) for item in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist(), depth + 1)
    if isinstance(value, np.generic):
        return value.item()
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _checked(tables: dict[str, Any], folder: Path) -> Config:
    """Return the config, or raise one ConfigError that lists everything wrong."""
    errors = [
        f"{shown(name)}: unknown section{nearest(name, _NAMES) if at < MOST_ERRORS else ''}; known: {', '.join(_NAMES)}"
        for at, name in enumerate(name for name in tables if name not in _NAMES)
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
    errors += _comparison_errors(sections.get("finders", {}))
    if not errors:
        config = _built(sections, folder)
        errors = combination_errors(config)
    if errors:
        raise ConfigError(listed(errors))
    return config


def _comparison_errors(tables: Mapping[Any, Any]) -> list[str]:
    errors: list[str] = []
    kinds = finder_kinds() if tables else {}
    for kind, options in tables.items():
        path = f"finders.{shown(kind)}"
        if not isinstance(options, Mapping):
            errors.append(f"{path}={quoted(options)}: expected a table")
        elif kind not in kinds and len(errors) >= MOST_ERRORS:
            errors.append(f"{path}: no such finder")
        else:
            errors += finder_errors(kind, options, path)
    return errors


def _data_errors(table: dict[str, Any], *, given: bool) -> list[str]:
    kinds = ", ".join(DATA_KINDS)
    kind = table.get("kind")
    if kind is None:
        return [f"data{'.kind' if given else ''}: missing, expected a kind of data: {kinds}"]
    if not isinstance(kind, str) or kind not in DATA_KINDS:
        return [f"data.kind={quoted(kind)}: expected one of {kinds}{nearest(str(kind), DATA_KINDS)}"]
    return table_errors(DATA_KINDS[kind], table, "data", _of_other_kinds("data", kind))


def _network_errors(table: dict[str, Any]) -> list[str]:
    kind = table.setdefault("kind", NetworkConfig.model_fields["kind"].default)
    if not isinstance(kind, str) or kind not in NETWORK_KINDS:
        kinds = ", ".join(NETWORK_KINDS)
        return [f"network.kind={quoted(kind)}: expected one of {kinds}{nearest(str(kind), NETWORK_KINDS)}"]
    return table_errors(NETWORK_KINDS[kind], table, "network", _of_other_kinds("network", kind))


def _of_other_kinds(section: str, kind: str) -> Callable[[str], str]:
    """Return what tells of a key that this kind of table does not have, but others have."""

    def told(key: str) -> str:
        others = [repr(name) for name, schema in KINDS_OF[section].items() if key in schema.model_fields]
        return f" for {section}.kind={kind!r}, it belongs to kind {' or '.join(others)}" if others else ""

    return told


def _built(sections: dict[str, Any], folder: Path) -> Config:
    data = sections["data"]
    for key in ("path", "test"):
        if isinstance(data.get(key), str):
            data[key] = _absolute(folder, data[key], key)
    training = sections["training"]
    if training.get("algorithm") == "sgd" and issubclass(NETWORK_KINDS[sections["network"]["kind"]], DeepSection):
        training.setdefault("keep", "last")
    return Config(
        data=DATA_KINDS[data["kind"]](**data),
        network=NETWORK_KINDS[sections["network"]["kind"]](**sections["network"]),
        training=TrainingConfig(**training),
        finder=FinderConfig(sections["finder"]["kind"], _without_kind(sections["finder"])),
        finders={str(kind): dict(options) for kind, options in sections["finders"].items()},
        run=RunConfig(**sections["run"]),
        adversary=_adversary(sections),
    )


def _absolute(folder: Path, path: str, key: str) -> str:
    with reading(f"data.{key}={printable(repr(path))}", ConfigError, "not a path"):
        return os.path.abspath(folder / Path(path).expanduser())


def _adversary(sections: dict[str, Any]) -> AdversaryConfig | None:
    """Return who moves the examples, if anybody does or is asked to."""
    wanted = sections["adversary"] or sections["training"].get("algorithm") == "adversarial"
    return AdversaryConfig(**sections["adversary"]) if wanted else None


def _without_kind(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key != "kind"}
