"""What every results directory has: a summary with the versions it depends on, and pictures drawn from it."""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

from hybrid_train.errors import CheckpointError, ConfigError, UnwrittenError, is_interruption
from hybrid_train.support.files import write_json, writing

CONFIG, METRICS, SUMMARY = "config.toml", "metrics.jsonl", "summary.json"
_FIGURES = "figures"
_PACKAGES = (
    "hybrid-train",
    "numpy",
    "scipy",
    "numba",
    "scikit-learn",
    "pydantic",
    "qiskit",
    "qiskit-aer",
    "matplotlib",
)


Draw = Callable[[Path, dict[str, Any]], Sequence[Path]]
"""Draws the pictures of a document into a directory and returns the files."""


class Documented(Protocol):
    """A result that is written as a document: a frozen dataclass with a field ``figures`` for the files drawn."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def document(self) -> dict[str, Any]:
        """Return everything but the files as one document."""


Result = TypeVar("Result", bound=Documented)


def with_files(result: Result, out: str | os.PathLike[str] | None, draw: Draw) -> Result:
    """Write a result that has just been worked out, as :func:`write_document` does, and return it with its pictures.

    Args:
        result: as it is without a results directory.
        out: the directory; None for nowhere.
        draw: of its document.

    Raises:
        UnwrittenError: it cannot be written, with the result, so that the work is not lost.
    """
    if out is None:
        return result
    try:
        return replace(result, figures=write_document(Path(out), result.document(), draw))
    except (CheckpointError, ConfigError) as error:
        raise UnwrittenError(str(error), result) from error


def write_document(directory: Path, document: dict[str, Any], draw: Draw) -> tuple[Path, ...]:
    """Make a results directory with a summary, then draw its pictures; return the files drawn.

    The summary is there, whole, before anything is drawn; a picture that cannot be drawn becomes a note.

    Args:
        directory: made with its parents.
        document: what ``--json`` prints.
        draw: of the document. It loads what draws, Matplotlib, when it is called: where that is broken, a picture is
            all that is lost.

    Raises:
        ConfigError: the directory holds results already.
        CheckpointError: it cannot be written to.
    """
    make_directory(directory)
    write_summary(directory, document)
    return draw_document(directory, document, draw)


def draw_document(directory: Path, document: dict[str, Any], draw: Draw) -> tuple[Path, ...]:
    """Draw the pictures of a document into its results directory; return the files drawn.

    A picture is the least part of a result: where one cannot be drawn, for whatever reason, the list of the document's
    ``notes`` gets a sentence that says why, here and in the summary, and those that were drawn before it stay.
    """
    figures = directory / _FIGURES
    try:
        return tuple(draw(figures, document))
    except Exception as error:
        if is_interruption(error):
            raise
        reason = " ".join(str(error).split())
        document.setdefault("notes", []).append(f"pictures could not be drawn: {type(error).__name__}: {reason}")
        with contextlib.suppress(CheckpointError):  # on a full disk the summary of before stays
            write_summary(directory, document)
        return tuple(sorted(figures.glob("*.png")) + sorted(figures.glob("*.json")))


def make_directory(path: Path) -> None:
    """Make a directory for results, parents included.

    Raises:
        ConfigError: it holds results already, or is a file.
        CheckpointError: it cannot be made.
    """
    check_vacant(path)
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)


def check_vacant(path: Path) -> None:
    """Raise ConfigError if results are at ``path`` already, or a file is."""
    if path.exists() and not path.is_dir():
        raise ConfigError(f"out={str(path)!r}: is a file; name a directory")
    if any((path / name).exists() for name in (CONFIG, METRICS, SUMMARY)):
        raise ConfigError(f"out={str(path)!r}: already holds results; name another directory or remove this one")


def write_summary(directory: Path, summary: dict[str, Any]) -> None:
    """Write the summary of a run or a comparison."""
    write_json(directory / SUMMARY, summary)


def versions() -> dict[str, str]:
    """Return the versions a result depends on, without importing anything."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found
