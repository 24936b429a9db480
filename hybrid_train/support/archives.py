"""NumPy's files as strangers write them: sizes are checked before memory is taken, nothing is unpickled."""

from __future__ import annotations

import contextlib
import io
import math
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, final

import numpy as np
import numpy.typing as npt

from hybrid_train.support.messages import shown
from hybrid_train.support.untrusted import UnreadableError, opened, size_text

_MOST_AT_ONCE = 1 << 20
"""Bytes of an archive that are read in one go: enough for a directory of ten thousand arrays."""

_Start = Callable[[], contextlib.AbstractContextManager[IO[bytes]]]
"""Opens what holds an array at its beginning."""

_LONGEST_HEADER = 10_000
_KNOWN_COMPRESSION = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


@final
class Archive(Mapping[str, npt.NDArray[Any]]):
    """The arrays of an NPZ file by name; each is read when it is asked for.

    Args:
        file: the open file.
        limit: bytes that an array may take.

    Raises:
        UnreadableError: two arrays of one name; or, later, an array that cannot be had.
        Exception: whatever ``zipfile`` and NumPy raise for a damaged file.
    """

    def __init__(self, file: IO[bytes], limit: int) -> None:
        self._zip = zipfile.ZipFile(_Sips(file))
        self._limit = limit
        self._members: dict[str, zipfile.ZipInfo] = {}
        for member in self._zip.infolist():
            name = member.filename.removesuffix(".npy")
            if name in self._members:
                raise UnreadableError(f"two arrays are named {shown(name)}")
            self._members[name] = member

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        start, size = self._checked(name)
        return _array(start, size, self._limit, shown(name))

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of an array by its header, which is checked, before memory is taken for it."""
        start, size = self._checked(name)
        return _checked_shape(start, size, self._limit, shown(name))

    def _checked(self, name: str) -> tuple[_Start, int]:
        member = self._members[name]
        if member.flag_bits & 1:
            raise UnreadableError(f"{shown(name)} is encrypted; write the arrays with numpy.savez")
        if member.compress_type not in _KNOWN_COMPRESSION:
            raise UnreadableError(f"{shown(name)} is packed in an unknown way; write it with numpy.savez_compressed")
        return lambda: self._zip.open(member), member.file_size

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)


@contextlib.contextmanager
def opened_archive(path: Path, limit: int) -> Iterator[Archive]:
    """Open an NPZ file of at most ``limit`` bytes whose arrays take at most as much each.

    Raises:
        Exception: see :class:`Archive`.
    """
    with opened(path, limit) as file:
        yield Archive(file, limit)


def read_npy(path: Path, limit: int) -> npt.NDArray[Any]:
    """Return the array of an NPY file of at most ``limit`` bytes.

    Raises:
        UnreadableError: Python objects, a size that is not the file's, or too large.
        Exception: whatever NumPy raises for a damaged file.
    """
    with opened(path, limit) as file:
        size = file.seek(0, io.SEEK_END)

        def restart() -> contextlib.AbstractContextManager[IO[bytes]]:
            file.seek(0)
            return contextlib.nullcontext(file)

        return _array(restart, size, limit, "the array")


def _array(start: _Start, size: int, limit: int, name: str) -> npt.NDArray[Any]:
    """Return an array whose header agrees with the ``size`` of what holds it."""
    _checked_shape(start, size, limit, name)
    with start() as stream:
        array: npt.NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
    return array


def _checked_shape(start: _Start, size: int, limit: int, name: str) -> tuple[int, ...]:
    """Return the shape by a header that agrees with the ``size`` of what holds it."""
    with start() as stream:
        _check_header_length(stream.read(12), name)
    with start() as stream:
        version = np.lib.format.read_magic(stream)
        read_header = np.lib.format.read_array_header_1_0 if version[0] == 1 else np.lib.format.read_array_header_2_0
        shape, _, dtype = read_header(stream, max_header_size=_LONGEST_HEADER)
        room = size - stream.tell()
    if dtype.hasobject:
        raise UnreadableError(f"{name} holds Python objects, which are never unpickled (allow_pickle=False)")
    if any(isinstance(length, bool) or length < 0 for length in shape) or dtype.itemsize == 0:
        raise UnreadableError(f"{name} has no valid shape: {shown(str(shape))} of {shown(str(dtype))}")
    needed = math.prod(shape) * dtype.itemsize
    if needed > limit:
        raise UnreadableError(f"{name} takes {size_text(needed)}; at most {size_text(limit)} is read")
    if needed != room:
        raise UnreadableError(f"{name} is damaged: {size_text(needed)} by its header, {size_text(max(0, room))} there")
    return tuple(shape)


def _check_header_length(start: bytes, name: str) -> None:
    if len(start) < 12 or start[:6] != b"\x93NUMPY" or start[6] not in {1, 2}:
        raise UnreadableError(f"{name} is no array as NumPy writes it")
    length = struct.unpack("<H", start[8:10])[0] if start[6] == 1 else struct.unpack("<I", start[8:12])[0]
    if length > _LONGEST_HEADER:
        raise UnreadableError(f"{name} has a header of {size_text(length)}; at most {_LONGEST_HEADER} bytes are read")


class _Sips(io.RawIOBase):
    """A file that is read a little at a time, so that no length written in it makes anybody take memory for it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        if size > _MOST_AT_ONCE:
            raise UnreadableError(f"a part of {size_text(size)} where at most {size_text(_MOST_AT_ONCE)} is expected")
        return self._file.read(_MOST_AT_ONCE if size < 0 else size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True
