"""The command line: ``hybrid-train run | compare | finders``.

Standard output carries the result alone (with ``--json`` one JSON document); notes, progress and errors go to
standard error. Exit codes: 0 done, 1 a run failed, 2 bad input, 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, final

if TYPE_CHECKING:
    from hybrid_train.experiment import Comparison

DONE, FAILED, BAD_INPUT, INTERRUPTED, PIPE_CLOSED = 0, 1, 2, 130, 141
PROGRAM = "hybrid-train"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Args:
        arguments: as typed after ``hybrid-train``; the process's own by default.
    """
    try:
        code = _guarded(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Nobody reads any more. The interpreter flushes once again at exit, into nothing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except KeyboardInterrupt:
        _complain("interrupted; what was finished is kept in the results directory, if there is one")
        return INTERRUPTED
    return code


def _guarded(arguments: Sequence[str] | None) -> int:
    """Run the command; every error becomes lines on standard error."""
    try:
        options = _parser().parse_args(arguments)
        code: int = options.command(options)
    except SystemExit as stop:
        return int(stop.code or DONE)
    except BrokenPipeError:
        raise
    except Exception as error:
        if os.environ.get("HYBRID_TRAIN_DEBUG") == "1":
            raise
        from hybrid_train.errors import ConfigError, DataError, ResourceError, is_interruption

        if is_interruption(error):
            raise KeyboardInterrupt from error
        bad_input = isinstance(error, ConfigError | DataError | ResourceError)
        _complain(*_error_lines(error))
        return BAD_INPUT if bad_input else FAILED
    return code


def _error_lines(error: Exception) -> list[str]:
    """Return one line; of a config with several errors, one for each."""
    from hybrid_train.errors import ConfigError, HybridTrainError

    if isinstance(error, ConfigError):
        return str(error).splitlines()
    text = " ".join(str(error).split())
    return [text if isinstance(error, HybridTrainError) else f"{type(error).__name__}: {text}"]


def _complain(*lines: str) -> None:
    for line in lines:
        print(f"{PROGRAM}: error: {line}", file=sys.stderr)


def _run(options: argparse.Namespace) -> int:
    from hybrid_train.config import load_config
    from hybrid_train.experiment import run

    result = run(load_config(options.config, options.set), out=options.out, progress=not options.quiet)
    _show(result.table, options)
    return DONE


def _compare(options: argparse.Namespace) -> int:
    from hybrid_train.config import load_config
    from hybrid_train.experiment import compare

    table = compare(
        load_config(options.config, options.set),
        _names(options.finders),
        indexes=_names(options.index) if options.index else None,
        out=options.out,
        progress=not options.quiet,
    )
    _show(table, options)
    _complain(*table.errors)
    return FAILED if table.errors else DONE


def _finders(options: argparse.Namespace) -> int:
    from hybrid_train.table import finder_text, known_finders

    known = known_finders()
    _print_json({"finders": known}) if options.json else print(finder_text(known))
    return DONE


def _show(table: Comparison, options: argparse.Namespace) -> None:
    """Print notes, then the result."""
    if not options.quiet:
        for note in table.notes:
            print(f"{PROGRAM}: note: {note}", file=sys.stderr)
    if options.json:
        _print_json(table.document())
        return
    from hybrid_train.table import comparison_text

    print(comparison_text(table.rows))
    if options.out is not None:
        print(f"\nresults in {options.out}")
        for picture in table.figures:
            if picture.suffix == ".png":
                print(f"picture {picture}")


def _print_json(document: dict[str, Any]) -> None:
    from hybrid_train.results import json_text

    print(json_text(document, indent=1))


def _names(text: str) -> list[Any]:
    return [name.strip() for name in text.split(",") if name.strip()]


@final
class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, like every other error here."""

    def error(self, message: str) -> NoReturn:
        _complain(f"{message} (see {self.prog} --help)")
        sys.exit(BAD_INPUT)


@final
class _Version(argparse.Action):
    """Looks the version up only when asked."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        import hybrid_train

        print(f"{PROGRAM} {hybrid_train.__version__}")
        parser.exit()


def _parser() -> _Parser:
    parser = _Parser(prog=PROGRAM, description="Train wide networks touching only the neurons that fire.")
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and stop")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="one training run", description="Train once, as the config says.")
    _add_experiment_options(run)
    run.set_defaults(command=_run)

    text = "Train with several finders: same data, same start."
    compare = commands.add_parser("compare", help="the same run with several finders", description=text)
    _add_experiment_options(compare)
    compare.add_argument("--finders", required=True, metavar="A,B,C", help="finders, as 'hybrid-train finders' lists")
    compare.add_argument("--index", metavar="INDEX", help="neurons, data or neurons,data; by default the config's")
    compare.set_defaults(command=_compare)

    text = "List the registered finders: what they promise, where they come from, their options."
    finders = commands.add_parser("finders", help="the registered finders", description=text)
    _add_json(finders)
    finders.set_defaults(command=_finders)
    return parser


def _add_experiment_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", metavar="CONFIG", type=Path, help="a TOML file")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="override one value of the config; may be repeated",
    )
    parser.add_argument("--out", metavar="DIR", type=Path, help="results directory to make")
    parser.add_argument("--quiet", action="store_true", help="no notes and no progress bar")
    _add_json(parser)


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document, and nothing else")
