"""The one door for files that others wrote: regular ones of a known size, whose every failure is an error of ours."""

from __future__ import annotations

import codecs
import contextlib
import gzip
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from hybrid_train.errors import HybridTrainError
from hybrid_train.support.memory import available_bytes
from hybrid_train.support.messages import printable

MIB, GIB = 1 << 20, 1 << 30

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_HEAD = 1 << 16
_NUL = "not a text file, it holds NUL bytes; if it is UTF-16, save it as UTF-8"


class UnreadableError(Exception):
    """What is wrong with a file, without its name; :func:`reading` turns it into an error of ours."""


@contextlib.contextmanager
def reading(name: str, error: type[HybridTrainError], problem: str = "cannot be read") -> Iterator[None]:
    """Turn whatever goes wrong while a file is read into ``error``; errors of ours pass.

    The parsers of a damaged file raise nearly everything, so nearly everything is caught.

    Args:
        name: of the file, as a message begins with it.
        error: the type to raise.
        problem: what to say where a parser fails.
    """
    try:
        yield
    except HybridTrainError:
        raise
    except UnreadableError as found:
        raise error(f"{name}: {found}") from None
    except FileNotFoundError:
        raise error(f"{name}: no such file") from None
    except RecursionError:
        raise error(f"{name}: {problem}: nested too deeply") from None
    except MemoryError:
        raise error(f"{name}: {problem}: it does not fit in the memory that is left") from None
    except Exception as found:
        if isinstance(found, OSError) and found.strerror:
            raise error(f"{name}: cannot be read: {found.strerror}") from None
        raise error(f"{name}: {problem}: {printable(str(found)) or type(found).__name__}") from found


@contextlib.contextmanager
def opened(path: Path, limit: int) -> Iterator[IO[bytes]]:
    """Open a regular file of at most ``limit`` bytes; nothing that waits for somebody, and no device.

    Raises:
        UnreadableError: it is something else, or larger.
        OSError: it cannot be opened.
    """
    _check_regular(os.stat(path), limit)  # before opening, which some devices take for a command
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    with open(os.open(path, flags), "rb") as file:
        _check_regular(os.fstat(file.fileno()), limit)  # it may be another one by now
        yield file


def read_bytes(path: Path, limit: int) -> bytes:
    """Return the bytes of a regular file of at most ``limit`` bytes.

    Raises:
        UnreadableError: it is something else, larger, or being written to.
        OSError: it cannot be read.
    """
    with opened(path, limit) as file:
        size = os.fstat(file.fileno()).st_size
        data = file.read(size + 1)
    if len(data) > size:
        raise UnreadableError("it grows while it is read; try again when it is complete")
    return data


def read_text(path: Path, limit: int) -> str:
    """Return the text of a regular file of at most ``limit`` bytes: UTF-8, or UTF-16 or UTF-32 that say so.

    Raises:
        UnreadableError: it is something else, larger, or no such text.
        OSError: it cannot be read.
    """
    with opened(path, limit) as file:
        check_text(file.read(_HEAD))
    return decoded(read_bytes(path, limit))


def read_table(path: Path, limit: int) -> bytes:
    """Return the UTF-8 text of a regular file, unpacked where its name ends in ``.gz``; ``limit`` is of the text.

    Raises:
        UnreadableError: it is something else, larger, or no such text.
        OSError: it cannot be read.
    """
    with opened(path, limit) as file:
        packed = path.suffix.lower() == ".gz"
        if packed:
            data = _unpacked(gzip.GzipFile(fileobj=file), limit)
            check_text(data[:_HEAD])
        else:
            check_text(file.read(_HEAD))
            data = read_bytes(path, limit)
    return data if data.isascii() and b"\0" not in data else decoded(data).encode("utf-8")


def check_text(head: bytes) -> None:
    """Refuse bytes that begin no text, before the rest is read.

    Raises:
        UnreadableError: a NUL byte, in what is not marked as UTF-16 or UTF-32.
    """
    if b"\0" in head and not any(head.startswith(mark) for mark, _ in _MARKS):
        raise UnreadableError(_NUL)


def decoded(data: bytes) -> str:
    """Return the text of bytes: UTF-8, with or without its mark, or UTF-16 or UTF-32 with theirs.

    Raises:
        UnreadableError: it is not, or it holds NUL bytes.
    """
    mark, encoding = next((pair for pair in _MARKS if data.startswith(pair[0])), (b"", "utf-8"))
    try:
        text = data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        kind = encoding.upper().removesuffix("-LE").removesuffix("-BE")
        raise UnreadableError(f"not {kind} text, byte {error.start + len(mark)} is wrong; save it as UTF-8") from None
    if "\0" in text:
        raise UnreadableError(_NUL)
    return text


def memory_limit(limit: int, growth: int) -> int:
    """Return the bytes a file may have: ``limit``, or less where ``growth`` times as many are more than is free."""
    return min(limit, available_bytes() // growth)


def size_text(size: int) -> str:
    """Return a number of bytes for people."""
    for unit, name in ((GIB, "GiB"), (MIB, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            return f"{size / unit:.4g} {name}"
    return f"{size} bytes"


def _check_regular(status: os.stat_result, limit: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        kinds = ((stat.S_ISDIR, "a directory"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"))
        kind = next((name for test, name in kinds if test(status.st_mode)), "a device")
        raise UnreadableError(f"cannot be read: not a file but {kind}; name a regular file")
    if status.st_size > limit:
        raise UnreadableError(f"{size_text(status.st_size)} is too large; at most {size_text(limit)} is read")


def _unpacked(stream: gzip.GzipFile, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while part := stream.read(MIB):
        size += len(part)
        if size > limit:
            raise UnreadableError(f"unpacks to more than {size_text(limit)}, the most that is read")
        parts.append(part)
    return b"".join(parts)
