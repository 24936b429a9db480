"""Writing files whole or not at all, and documents as plain JSON."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hybrid_train.errors import CheckpointError

_HALVES = re.compile("[\ud800-\udfff]")
"""Surrogates: Python's stand-ins for bytes that are not UTF-8, which no file in UTF-8 can hold."""

_AT_ONCE = 1 << 20


def _nothing(doing: str, path: Path) -> None:
    """Let the disk do as it does."""


on_disk: Callable[[str, Path], None] = _nothing
"""Told before everything that changes the disk: ("write" | "sync" | "replace" | "append" | "remove", the file).

The one place where tests let the process die or the disk fail."""


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

    It is on the disk, and so is its name, before this returns.

    Raises:
        CheckpointError: it cannot be written; nothing is left of it then, and what was at ``path`` stays.
    """
    partial = path.with_name(path.name + ".partial")
    with writing(path):
        try:
            on_disk("write", path)
            yield partial
            on_disk("sync", path)
            _synced(partial)
            on_disk("replace", path)
            os.replace(partial, path)
            sync_folder(path.parent)
        except BaseException:
            with contextlib.suppress(OSError):
                partial.unlink()
            raise


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def append_line(path: Path, text: str) -> None:
    """Add a line to a file that is there.

    Raises:
        CheckpointError: it cannot be written to, or is there no more. What part of the line was written is taken back
            where that can be done.
    """
    with writing(path):
        on_disk("append", path)
        with open(os.open(path, os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0)), "ab", buffering=0) as file:
            size, data = os.fstat(file.fileno()).st_size, (text + "\n").encode("utf-8")
            try:
                while data:
                    data = data[file.write(data) :]
            except OSError:
                with contextlib.suppress(OSError):
                    file.truncate(size)
                raise


def sync_file(path: Path) -> None:
    """Have what was appended to a file on the disk before this returns."""
    with writing(path):
        on_disk("sync", path)
        _synced(path)


def cut_file(path: Path, size: int) -> None:
    """Take away what a file has beyond ``size`` bytes."""
    with writing(path):
        on_disk("write", path)
        os.truncate(path, size)
        _synced(path)


def remove_file(path: Path) -> None:
    """Remove a file, if it is there."""
    with writing(path):
        on_disk("remove", path)
        path.unlink(missing_ok=True)


def sync_folder(path: Path) -> None:
    """Have the names in a folder on the disk before this returns, where the system lets us."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    number = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    except OSError:  # some file systems have no such thing; the file itself is safe
        pass
    finally:
        os.close(number)


def file_digest(path: Path, size: int | None = None) -> tuple[int, str]:
    """Return how many bytes a file has and their SHA-256, of the first ``size`` at most.

    Raises:
        OSError: it cannot be read.
    """
    found, left, done = hashlib.sha256(), size, 0
    with open(path, "rb") as file:
        while part := file.read(_AT_ONCE if left is None else min(left, _AT_ONCE)):
            found.update(part)
            done += len(part)
            left = None if left is None else left - len(part)
    return done, found.hexdigest()


def _synced(path: Path) -> None:
    with open(path, "r+b") as file:
        os.fsync(file.fileno())
