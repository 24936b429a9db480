"""What every results directory has: a summary with the versions it depends on, and pictures drawn from it."""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Callable, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from hybrid_train.errors import CheckpointError, is_interruption
from hybrid_train.experiments.folder import SUMMARY
from hybrid_train.experiments.manifest import MANIFEST, Manifest
from hybrid_train.support.files import file_digest, write_json, writing

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
        with contextlib.suppress(CheckpointError, OSError):  # on a full disk the summary of before stays
            amend_summary(directory, document)
        return stored_figures(directory)


def stored_figures(directory: Path) -> tuple[Path, ...]:
    """Return the files drawn into a results directory."""
    figures = directory / _FIGURES
    return tuple(sorted(figures.glob("*.png")) + sorted(figures.glob("*.json")))


def write_summary(directory: Path, summary: dict[str, Any]) -> None:
    """Write the summary of a run or a comparison."""
    write_json(directory / SUMMARY, summary)


def amend_summary(directory: Path, summary: dict[str, Any]) -> None:
    """Write another summary over that of a directory whose manifest names it, and is right at every moment."""
    if not (directory / MANIFEST).exists():
        write_summary(directory, summary)
        return
    manifest = Manifest.read(directory)
    before = manifest.files.get(SUMMARY)
    spare = directory / f"{SUMMARY}.next"
    write_json(spare, summary)
    size, digest = file_digest(spare)
    manifest.files[SUMMARY] = {"bytes": size, "sha256": digest, **({} if before is None else {"before": before})}
    manifest.write(directory)
    with writing(spare):
        os.replace(spare, directory / SUMMARY)


def versions() -> dict[str, str]:
    """Return the versions a result depends on, without importing anything."""
    return dict(_versions())


@cache
def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found
