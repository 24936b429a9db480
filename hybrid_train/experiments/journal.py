"""What a study works out piece by piece, on disk as each piece comes: taken up again, it goes on from there.

A study is a claim on its directory and a list of pieces, each worked out by itself: ``rows.jsonl`` has a line for each
that is done, ``{"key": .., "value": ..}``. A piece that is there is not worked out again, so that the study comes to
what it would have come to without a break.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar, final

from hybrid_train.errors import CheckpointError, HybridTrainError, UnwrittenError, is_interruption
from hybrid_train.experiments.document import Draw, draw_document, write_summary
from hybrid_train.experiments.folder import ROWS, SUMMARY, Folder, Place, claimed, stopped_or_failed, whole_lines
from hybrid_train.experiments.folder import finish as finish_folder
from hybrid_train.experiments.manifest import MANIFEST, Manifest
from hybrid_train.experiments.records import read_records
from hybrid_train.support.files import append_line, json_text, sync_file, write_text
from hybrid_train.support.messages import printable


class Documented(Protocol):
    """A result that is written as a document: a frozen dataclass with a field ``figures`` for the files drawn."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def document(self) -> dict[str, Any]:
        """Return everything but the files as one document."""


Result = TypeVar("Result", bound=Documented)

_MISUSED = (TypeError, LookupError, AttributeError, ValueError, ArithmeticError)
"""What Python raises where a piece has another form than those of the study."""


@final
class Journal:
    """The pieces of a study, kept on disk where it has a directory.

    Args:
        folder: claimed; None for a study that leaves nothing behind.
        known: pieces that are known before it begins.

    Attributes:
        unwritten: why a piece is not on disk, though it was worked out; None if all are.
        taken_up: whether some pieces are those of an earlier start.
    """

    def __init__(self, folder: Folder | None = None, known: Mapping[str, Any] | None = None) -> None:
        self._folder = folder
        self._known: dict[str, Any] = dict(known or {})
        self._rows: Path | None = None
        self.unwritten: str | None = None
        self.taken_up = False

    @property
    def path(self) -> Path | None:
        """The directory of the study; None without one."""
        return None if self._folder is None else self._folder.path

    def begin(
        self, request: dict[str, Any], planned: list[dict[str, Any]], more: dict[str, Any], *, wider: bool = False
    ) -> None:
        """Write down what is asked for, or take up what was begun.

        Args:
            request: plain JSON, the command among it; the same as before where something was begun.
            planned: the rows to come, as far as they are known.
            more: what else the summary says from the start.
            wider: the request has all that was asked for before, and more: it takes the place of the earlier one.

        Raises:
            ConfigError: another thing was begun here.
            CheckpointError: the directory cannot be written to, or what is there is damaged.
        """
        folder = self._folder
        if folder is None:
            return
        plain = json.loads(json_text(request))
        if not wider:
            folder.agree(plain)
        self._rows = folder.path / ROWS
        if folder.begun and (folder.path / MANIFEST).exists():
            Manifest.read(folder.path).check(folder.path)
            self._take_up(self._rows)
        elif not self._rows.exists():
            write_text(self._rows, "")
        else:
            self._take_up(self._rows)
        manifest = Manifest()
        manifest.take(folder.path, ROWS)
        if wider:  # which no manifest vouches for meanwhile
            manifest.write(folder.path)
            folder.ask_anew(plain)
        write_summary(folder.path, {"status": "running", "rows": [], "planned": planned, **more})
        manifest.write(folder.path)

    def piece(self, key: str, work: Callable[[], Any]) -> Any:
        """Return a piece: what is on disk under its name, or what the work comes to, as JSON would give it back.

        Args:
            key: names it; no other piece of the study has that name.
            work: comes to plain JSON.
        """
        if key in self._known:
            return self._known[key]
        value = work()
        if self._rows is not None:
            line = json_text({"key": key, "value": value})
            value = json.loads(line)["value"]
            try:
                append_line(self._rows, line)
            except CheckpointError as error:  # a full disk, say: what was worked out is not lost for that
                self.unwritten = self.unwritten or str(error)
        self._known[key] = value
        return value

    @property
    def known(self) -> dict[str, Any]:
        """The pieces there are, by name."""
        return dict(self._known)

    def note(self, key: str, value: Any) -> None:
        """Keep a piece that was worked out already, for whoever reads the directory of a study that was broken off."""
        if self._rows is not None:
            self.keep(key, value)

    def keep(self, key: str, value: Any) -> Any:
        """Return a piece that was worked out elsewhere, kept as :meth:`piece` keeps it."""
        return self.piece(key, lambda: value)

    def end(self, status: str, document: dict[str, Any]) -> None:
        """Write the summary; the study is over.

        Raises:
            CheckpointError: it cannot be written, or a piece could not.
        """
        folder = self._folder
        if folder is None or self._rows is None:
            return
        if self.unwritten is not None:
            raise CheckpointError(self.unwritten)
        sync_file(self._rows)
        write_summary(folder.path, {**document, "status": status})
        finish_folder(folder.path, Manifest(), status)

    def _take_up(self, path: Path) -> None:
        records, size = read_records(path)
        for number, record in enumerate(records, start=1):
            key = record.get("key")
            if not isinstance(key, str) or "value" not in record or key in self._known:
                raise CheckpointError(f"{printable(os.fspath(path))}: line {number} is damaged; run again")
            self._known[key] = record["value"]
            self.taken_up = True
        whole_lines(path, size)


@contextlib.contextmanager
def journal(out: Place | None, resume: Place | None) -> Iterator[Journal]:
    """Claim the directory of a study before anything is computed, and give it back at the end.

    Whatever ends the work, the summary says so: "stopped" by a signal, or "failed".

    Args:
        out: results directory to make; None for nowhere.
        resume: results directory to go on in, or to begin in where nothing was begun.

    Raises:
        ConfigError: both are given, or the directory is in use or holds results already.
        CheckpointError: it cannot be written to, or the pieces taken up are none of this study.
    """
    folder = claimed(out, resume)
    if folder is None:
        yield Journal()
        return
    with folder:
        kept = Journal(folder)
        try:
            yield kept
        except UnwrittenError:
            raise
        except BaseException as error:
            told = of_another_make(folder.path, error) if kept.taken_up else error
            _note_end(folder.path, told)
            raise told from told.__cause__


def of_another_make(path: Path, error: BaseException) -> BaseException:
    """Return what an error says of pieces that were taken up: that they are none of this study, or the error itself."""
    if not isinstance(error, _MISUSED) or isinstance(error, HybridTrainError):
        return error
    why = f"{type(error).__name__}: {' '.join(str(error).split())}"
    told = CheckpointError(
        f"{printable(os.fspath(path / ROWS))}: not what this study keeps ({printable(why)}); run again"
    )
    told.__cause__ = error
    return told


def written(kept: Journal, result: Result, draw: Draw) -> Result:
    """Write a result that has just been worked out and draw its pictures; return it with these.

    Args:
        kept: the journal of the study.
        result: as it is without a results directory.
        draw: of its document.

    Raises:
        UnwrittenError: it cannot be written, with the result, so that the work is not lost.
    """
    if kept.path is None:
        return result
    document = result.document() | {"status": "done"}
    try:
        kept.end("done", document)
    except CheckpointError as error:
        raise UnwrittenError(str(error), result) from error
    return replace(result, figures=draw_document(kept.path, document, draw))


def _note_end(path: Path, error: BaseException) -> None:
    """Let a summary that says "running" say how it ended."""
    interrupted = is_interruption(error)
    with contextlib.suppress(CheckpointError, OSError, ValueError):
        if not (path / MANIFEST).exists():
            return
        manifest = Manifest.read(path)
        if manifest.status != "running" or not (path / SUMMARY).exists():
            return
        document = json.loads((path / SUMMARY).read_text(encoding="utf-8"))
        status = stopped_or_failed(interrupted)
        why = "interrupted" if interrupted else " ".join(str(error).split())
        write_summary(path, document | {"status": status, "error": why})
        finish_folder(path, Manifest(), status)
