"""Writing files whole or not at all, and documents as plain JSON."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hybrid_train.errors import CheckpointError

_HALVES = re.compile("[\ud800-\udfff]")
"""Surrogates: Python's stand-ins for bytes that are not UTF-8, which no file in UTF-8 can hold."""


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write one JSON document, whole or not at all."""
    write_text(path, json_text(document, indent=1) + "\n")


def json_text(document: Any, indent: int | None = None) -> str:
    """Return plain JSON: NumPy numbers as numbers, NaN and infinity as null, halves of characters escaped."""
    text = json.dumps(_plain(document), indent=indent, ensure_ascii=False, allow_nan=False)
    return _HALVES.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic | np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the errors of writing to ``path`` into a CheckpointError that names it."""
    try:
        yield
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be written: {error.strerror or error}") from error


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a file to write beside ``path`` and put it in its place at the end: whole, or not at all.

    Raises:
        CheckpointError: it cannot be written; nothing is left of it then, and what was at ``path`` stays.
    """
    partial = path.with_name(path.name + ".partial")
    with writing(path):
        try:
            yield partial
            os.replace(partial, path)
        except BaseException:
            with contextlib.suppress(OSError):
                partial.unlink()
            raise


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")
