"""What is written where: results to standard output; notes and errors, line by line, to standard error.

All text goes through here, so that no value from a file or an argument can move a terminal's cursor, forge a line or
break an encoding, and a stream that is closed or full is dealt with once.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, TextIO, final
from unicodedata import category

from hybrid_train.errors import UnwrittenError

DONE, FAILED, BAD_INPUT, SIGNALLED, PIPE_CLOSED = 0, 1, 2, 128, 141
"""Exit codes; after a signal its number is added to SIGNALLED."""

_HALF = 250
_LONGEST = 2 * _HALF + 5
"""Characters of an error, at most: somebody is to read it."""

PROGRAM = "hybrid-train"

_UNUSUAL = re.compile(r"[^\n -~]")
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Characters that are not seen but do something: control, format, half a pair, separators of lines."""


@final
class OutputError(Exception):
    """Standard output takes nothing more.

    Attributes:
        code: the exit code.
    """

    def __init__(self, reason: str, code: int = FAILED) -> None:
        super().__init__(f"standard output cannot be written: {reason}")
        self.code = code


class Result(Protocol):
    """What most commands show: a document with notes and pictures."""

    @property
    def notes(self) -> Sequence[str]:
        """What a reader should know, in sentences."""

    @property
    def figures(self) -> Sequence[Path]:
        """The files drawn."""

    def document(self) -> dict[str, Any]:
        """Return the result as ``--json`` prints it."""


def open_descriptors() -> None:
    """Occupy the standard streams' descriptors that the process was started without.

    The next file opened would get the number, and what libraries write to "standard error" would end in that file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_WRONLY if number == 2 else os.O_RDONLY)


def check_output(out: Path | None) -> None:
    """Raise OutputError if a result would go nowhere: standard output is closed and no directory is given."""
    if sys.stdout is None and out is None:
        raise OutputError("it is closed")


def show(text: str) -> None:
    """Print the result as text for people.

    Raises:
        OutputError: standard output is closed or full.
    """
    _write(text, lambda character: character.encode("unicode_escape").decode("ascii"))


def show_json(document: dict[str, Any]) -> None:
    """Print the result as one JSON document.

    Raises:
        OutputError: standard output is closed or full.
    """
    from hybrid_train.support.files import json_text

    _write(json_text(document, indent=1), lambda character: json.dumps(character)[1:-1])


def show_result(
    result: Result, text: Callable[[dict[str, Any]], str], options: argparse.Namespace, errors: Sequence[str] = ()
) -> int:
    """Print the notes of a result, the result, where its pictures are, then what went wrong; return the exit code."""
    note(result.notes, options)
    if options.json:
        show_json(result.document())
    else:
        show(_told(result, text, options))
        place = options.out if options.resume is None else options.resume
        if place is not None:
            show_files(place, result.figures)
    complain(*errors)
    return FAILED if errors else DONE


def _told(result: Result, text: Callable[[dict[str, Any]], str], options: argparse.Namespace) -> str:
    """Return the result as text; pieces that were taken up and cannot be told are none of this study."""
    try:
        return text(result.document())
    except Exception as error:
        from hybrid_train.experiments.journal import of_another_make

        told = error if options.resume is None else of_another_make(options.resume, error)
        raise told from told.__cause__


def worked_out(work: Callable[[], Any]) -> tuple[Any, list[str]]:
    """Return what the work comes to, and why it could not be written in a line, if it could not."""
    try:
        return work(), []
    except UnwrittenError as error:
        return error.result, [str(error)]


def show_files(directory: Path, figures: Iterable[Path]) -> None:
    """Print where the results are, and which pictures there are."""
    pictures = [f"picture {escaped(str(file))}" for file in figures if file.suffix == ".png"]
    show("\n".join([f"\nresults in {escaped(str(directory))}", *pictures]))


def note(notes: Iterable[str], options: argparse.Namespace | None = None) -> None:
    """Print notes, unless all is to be quiet."""
    if options is None or not options.quiet:
        _say("note", notes)


def complain(*errors: str) -> None:
    """Print errors, a line each, the middle of a very long one left out."""
    _say("error", [line if len(line) <= _LONGEST else f"{line[:_HALF]} ... {line[-_HALF:]}" for line in errors])


def escaped(text: str) -> str:
    """Return a text as one line without hidden characters."""
    return _escape(text.replace("\n", "\\n"), "utf-8", lambda character: character.encode("unicode_escape").decode())


def _say(kind: str, lines: Iterable[str]) -> None:
    """Print lines to standard error; where there is none, or it is full, nobody can be told."""
    stream = sys.stderr
    try:
        for line in lines:
            stream.write(f"{PROGRAM}: {kind}: {escaped(line)}\n")
        stream.flush()
    except (AttributeError, OSError, ValueError):
        _abandon(stream)


def _write(text: str, escape: Callable[[str], str]) -> None:
    stream = sys.stdout
    if stream is None:
        raise OutputError("it is closed")
    try:
        stream.write(_escape(text, stream.encoding or "utf-8", escape) + "\n")
        stream.flush()
    except BrokenPipeError:
        _abandon(stream)
        raise OutputError("nobody reads it", PIPE_CLOSED) from None
    except (OSError, ValueError) as error:
        _abandon(stream)
        raise OutputError(getattr(error, "strerror", None) or str(error)) from None


def _escape(text: str, encoding: str, escape: Callable[[str], str]) -> str:
    """Replace the characters that are hidden or that the encoding does not have."""

    def shown(match: re.Match[str]) -> str:
        character = match[0]
        try:
            character.encode(encoding)
        except UnicodeEncodeError:
            return escape(character)
        return escape(character) if category(character) in _HIDDEN else character

    return _UNUSUAL.sub(shown, text)


def _abandon(stream: TextIO | None) -> None:
    """Let what a stream still holds go nowhere: the interpreter flushes it once more at exit."""
    with suppress(AttributeError, OSError, ValueError):
        number = stream.fileno()  # type: ignore[union-attr]
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)
