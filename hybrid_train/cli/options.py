"""Options that several commands have, and what holds for all: types, errors in one line, none without effect."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeVar, final

from hybrid_train.cli.printing import BAD_INPUT, PROGRAM, complain, show
from hybrid_train.errors import ConfigError

if TYPE_CHECKING:
    from hybrid_train.config import Config

T = TypeVar("T")
_LONGEST = 60
_LARGEST = 1 << 40


class Commands(Protocol):
    """Where a family of commands adds its parsers."""

    def add_parser(self, name: str, *, help: str, description: str) -> Parser:  # noqa: A002 - argparse calls it so
        """Add a command and return its parser."""


@final
class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, like every other error here."""

    def error(self, message: str) -> NoReturn:
        complain(f"{message} (see {self.prog} --help)")
        sys.exit(BAD_INPUT)

    def _print_message(self, message: str, file: Any = None) -> None:
        del file  # help alone is printed so, and it is the result
        show(message.removesuffix("\n"))


@final
class Version(argparse.Action):
    """Looks the version up only when asked."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        import hybrid_train

        show(f"{PROGRAM} {hybrid_train.__version__}")
        parser.exit()


def whole(text: str) -> int:
    """Read a whole number."""
    return _read(int, text, "a whole number")


def size(text: str) -> int:
    """Read a whole number that has to fit an array's length."""
    found = whole(text)
    if found > _LARGEST:
        raise argparse.ArgumentTypeError(f"{_cut(repr(text))} given, expected a whole number of at most 2^40")
    return found


def number(text: str) -> float:
    """Read a number."""
    return _read(float, text, "a number")


def path(text: str) -> Path:
    """Read a path."""
    if not text:
        raise argparse.ArgumentTypeError("'' given, expected a path")
    if "\0" in text:
        raise argparse.ArgumentTypeError(f"{_cut(repr(text))} given, expected a path, which has no NUL")
    return Path(text)


def names(text: str) -> list[Any]:
    """Return the names of a comma list."""
    return [name.strip() for name in text.split(",") if name.strip()]


def add_json(parser: Parser) -> None:
    """Add ``--json``."""
    parser.add_argument("--json", action="store_true", help="print one JSON document, and nothing else")


def add_results(parser: Parser, out: str = "results directory to make") -> None:
    """Add ``--out`` and ``--resume``, one of which a command takes, ``--quiet`` and ``--json``."""
    places = parser.add_mutually_exclusive_group()
    places.add_argument("--out", metavar="DIR", type=path, help=out)
    text = "results directory to go on in, from its last checkpoint, or from the beginning if it has none"
    places.add_argument("--resume", metavar="DIR", type=path, help=text)
    parser.add_argument("--quiet", action="store_true", help="no notes and no progress bar")
    add_json(parser)


def add_output(parser: Parser, out: str, metavar: str) -> None:
    """Add ``--out``, ``--quiet`` and ``--json``."""
    parser.add_argument("--out", metavar=metavar, type=path, help=out)
    parser.add_argument("--quiet", action="store_true", help="no notes and no progress bar")
    add_json(parser)


def add_workers(parser: Parser) -> None:
    """Add --workers and --scheduler."""
    parser.add_argument("--workers", metavar="N", type=size, help="processes that work side by side; this one alone")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="a Dask scheduler, whose workers do")


def add_set(parser: Parser, text: str = "override one value of the config; may be repeated") -> None:
    """Add ``--set``."""
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help=text)


def add_experiment_options(parser: Parser) -> None:
    """Add the options of a command that trains as a config says."""
    text = "a TOML file; with --resume it may be left out, and is that of the directory"
    parser.add_argument("config", metavar="CONFIG", type=path, nargs="?", help=text)
    add_set(parser)
    add_results(parser)


def config_of(options: argparse.Namespace, command: str) -> Config:
    """Return the config of a command that trains as one says: that of its file, or of the directory it goes on in.

    Raises:
        ConfigError: it is not valid, or there is none.
    """
    from hybrid_train.config import load_config

    if options.config is not None:
        return load_config(options.config, options.set)
    if options.resume is None:
        raise ConfigError(f"CONFIG: missing, name a TOML file (see hybrid-train {command} --help)")
    from hybrid_train.experiments.folder import requested_config

    return load_config(requested_config(options.resume, command), options.set)


def place_of(options: argparse.Namespace) -> Path | None:
    """Return the results directory of a command; None without one."""
    found: Path | None = options.out if options.resume is None else options.resume
    return found


def given(options: argparse.Namespace, keys: Iterable[str]) -> dict[str, Any]:
    """Return the options that were given, by name; all have None for a default."""
    return {key: value for key in keys if (value := getattr(options, key)) is not None}


def refuse(options: argparse.Namespace, reasons: Mapping[str, str]) -> None:
    """Refuse options that would have no effect.

    Args:
        options: as parsed.
        reasons: by name of the option, why it has none here and what to do.

    Raises:
        ConfigError: one of them was given.
    """
    idle = given(options, reasons)
    if idle:
        named = {key: f"--{key.replace('_', '-')}" for key in idle}
        said = {key: named[key] if value is True else f"{named[key]} {_cut(value)}" for key, value in idle.items()}
        lines = (f"{text}: no effect: {reasons[key]}" for key, text in said.items())
        raise ConfigError("\n".join(lines))


def refuse_settings(settings: Sequence[str], reasons: Mapping[str, str]) -> None:
    """Refuse values of a config, given on the command line, that would have no effect.

    Args:
        settings: ``section.key=value``.
        reasons: by section or by ``section.key``, why it has none here and what to do.

    Raises:
        ConfigError: one of them was given.
    """
    lines = []
    for setting in settings:
        key = setting.partition("=")[0].strip()
        lines += [
            f"--set {_cut(setting)}: no effect: {reason}"
            for name, reason in reasons.items()
            if key == name or key.startswith(f"{name}.")
        ]
    if lines:
        raise ConfigError("\n".join(lines))


def _read(kind: type[T], text: str, expected: str) -> T:
    try:
        return kind(text)  # type: ignore[call-arg]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{_cut(repr(text))} given, expected {expected}") from None


def _cut(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
