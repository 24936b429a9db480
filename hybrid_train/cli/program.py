"""The command line: ``hybrid-train COMMAND``, each command in the file of its family.

Standard output carries the result alone (with ``--json`` one JSON document); notes, progress and errors go to
standard error. Exit codes: 0 done, 1 a run failed or the result cannot be written, 2 bad input, 128 and the number of
the signal where one stopped it (130 for Ctrl-C), 141 nobody reads the result.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from hybrid_train.cli import completion, doctor, experiments, predict, report, reproduce, studies, sweep, theory, verify
from hybrid_train.cli.options import Parser, Version
from hybrid_train.cli.printing import (
    BAD_INPUT,
    DONE,
    FAILED,
    PROGRAM,
    SIGNALLED,
    OutputError,
    check_output,
    complain,
    open_descriptors,
)
from hybrid_train.errors import ConfigError, DataError, HybridTrainError, ResourceError, is_interruption
from hybrid_train.support import interruption

_FAMILIES = (experiments, predict, report, verify, theory, reproduce, studies, sweep, doctor, completion)
_SIGINT = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Args:
        arguments: as typed after ``hybrid-train``; the process's own by default, which then ends with the command.
    """
    open_descriptors()
    with interruption.caught(restored=arguments is not None) as signals:
        try:
            with signals.raised():
                code = _guarded(arguments)
        except BaseException as error:
            if not is_interruption(error) and signals.number is None:
                raise
            number = signals.number or _SIGINT
        else:
            if signals.number is None:
                return code
            number = signals.number
        complain("interrupted; what was finished is kept in the results directory, if there is one")
        return SIGNALLED + number


def _guarded(arguments: Sequence[str] | None) -> int:
    """Run the command; every error but an interruption becomes lines on standard error."""
    try:
        options = _parser().parse_args(arguments)
        check_output(getattr(options, "resume", None) or getattr(options, "out", None))
        code: int = options.command(options)
    except SystemExit as stop:
        return _code(stop)
    except OutputError as error:
        if error.code == FAILED:
            complain(str(error))
        return error.code
    except BaseException as error:
        if is_interruption(error) or interruption.came() or os.environ.get("HYBRID_TRAIN_DEBUG") == "1":
            raise
        complain(*_error_lines(error))
        return BAD_INPUT if isinstance(error, ConfigError | DataError | ResourceError | MemoryError) else FAILED
    return code


def _code(stop: SystemExit) -> int:
    """Return the exit code of somebody who wants to stop the program; the words of a plug-in are an error."""
    if stop.code is None or isinstance(stop.code, int):
        return stop.code or DONE
    complain(str(stop.code))
    return FAILED


def _error_lines(error: BaseException) -> list[str]:
    """Return one line; of a config with several errors, one for each."""
    if isinstance(error, ConfigError):
        return str(error).split("\n")
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError):
        return [f"out of memory: {text or 'this machine has less than that takes'}; take smaller sizes"]
    if isinstance(error, OSError) and error.filename is not None:
        return [f"{os.fspath(error.filename)!r}: {error.strerror}"]
    return [text if isinstance(error, HybridTrainError) else f"{type(error).__name__}: {text}"]


def _parser() -> Parser:
    parser = Parser(prog=PROGRAM, description="Train wide networks touching only the neurons that fire.")
    parser.add_argument("--version", action=Version, nargs=0, help="print the version and stop")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for family in _FAMILIES:
        family.add_commands(commands)
    return parser
