"""Compiled kernels kept on disk: never stale, never torn, and never in the way where nothing can be written.

Numba's own cache watches the file of a kernel alone, so that an edit of a kernel it calls runs the old code; a file
cut short ends in an exception, and where no folder can be written nothing starts at all. Here an entry is one file,
named by what it was compiled from: the contents of every source file that kernels here are made of, the types, the
machine and the compilers. It carries a digest of itself, appears whole or not at all, and whatever cannot be read is
compiled again. Processes that start side by side share the work: what one compiles the others wait for.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, final
from uuid import uuid4

import llvmlite
import numba
from numba.core import compiler, config
from numba.core.caching import _Cache
from numba.core.serialize import dumps

from hybrid_train.support.claims import Claims

_ROOT = Path(__file__).resolve().parents[2]
_PACKAGES = ("hybrid_train", "classical", "circuits")
_IMPORT = re.compile(r"^\s*(?:from ([\w.]+) import (\([^)]*\)|[^\n]*)|import ([\w.]+))", re.MULTILINE)
_DIGEST = hashlib.sha256().digest_size
_SHOWN = 16
"""Digits of a hash in a file's name: enough that no two ever meet."""
_CLAIMS = Claims()
"""What this process compiles, which no other one need compile beside it."""


@final
class KernelCache(_Cache):  # type: ignore[misc]
    """The compiled versions of one function.

    Args:
        function: not compiled.
    """

    def __init__(self, function: Any) -> None:
        self._function, self._enabled = function, True

    @property
    def cache_path(self) -> str | None:
        """The folder where entries are looked for first; None where there is none."""
        return next((str(folder) for folder in _folders(self._source)), None)

    def enable(self) -> None:
        """Read and write entries."""
        self._enabled = True

    def disable(self) -> None:
        """Compile in memory from now on."""
        self._enabled = False

    def flush(self) -> None:
        """Remove all entries of this function."""
        for folder in _folders(self._source):
            self._prune(folder, keep=None)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the function compiled for a signature; None if there is no whole entry."""
        if not self._enabled:
            return None
        target_context.refresh()
        name = self._entry(sig, target_context.codegen())
        found = self._read(name, target_context)
        folder = next(_folders(self._source), None)
        if found is None and folder is not None and _CLAIMS.take(folder / name):  # compiled elsewhere meanwhile
            found = self._read(name, target_context)
            if found is not None:
                _CLAIMS.give(folder / name)
        return found

    def _read(self, name: str, target_context: Any) -> Any:
        for folder in _folders(self._source):
            with suppress(Exception):  # torn, foreign or from another world: compile again
                stored = (folder / name).read_bytes()
                if hashlib.sha256(stored[_DIGEST:]).digest() == stored[:_DIGEST]:
                    return compiler.CompileResult._rebuild(target_context, *pickle.loads(stored[_DIGEST:]))
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep what was compiled for a signature in the first folder that takes it."""
        if not self._enabled or data.lifted or data.library.has_dynamic_globals:
            return
        content = dumps(data._reduce())
        name = self._entry(sig, data.codegen)
        folders = list(_folders(self._source))
        try:
            for folder in folders:
                if _written(folder / name, hashlib.sha256(content).digest() + content):
                    self._prune(folder, keep=self._stamp)
                    return
        finally:
            for folder in folders[:1]:
                _CLAIMS.give(folder / name)
        _tell_once()

    @property
    def _source(self) -> Path:
        return Path(self._function.__code__.co_filename)

    @property
    def _base(self) -> str:
        """How the names of all entries of this function begin."""
        name = re.sub(r"[^\w.]", "_", f"{self._function.__module__}.{self._function.__qualname__}")
        return f"{name}-{sys.implementation.cache_tag}-"

    @property
    def _stamp(self) -> str:
        """A hash of every source file the function may be made of."""
        return _source_stamp(self._function)[:_SHOWN]

    def _entry(self, signature: Any, codegen: Any) -> str:
        code, cells = self._function.__code__, self._function.__closure__ or ()
        closed = dumps(tuple(cell.cell_contents for cell in cells)) if cells else b""
        made_of = (
            repr(signature),
            codegen.magic_tuple(),
            code.co_firstlineno,
            hashlib.sha256(code.co_code + closed).hexdigest(),
            (numba.__version__, llvmlite.__version__, sys.version),
            (config.BOUNDSCHECK, config.OPT, config.LOOP_VECTORIZE, config.SLP_VECTORIZE, config.DEBUGINFO_DEFAULT),
        )
        key = hashlib.sha256(repr(made_of).encode()).hexdigest()[:_SHOWN]
        return f"{self._base}{self._stamp}-{key}.nbc"

    def _prune(self, folder: Path, keep: str | None) -> None:
        """Remove the entries of this function that were made from other sources."""
        with suppress(OSError):
            for path in folder.glob(f"{self._base}*.nbc"):
                if keep is None or not path.name.startswith(f"{self._base}{keep}-"):
                    with suppress(OSError):
                        path.unlink()


def _folders(source: Path) -> Iterator[Path]:
    """Yield the folders for entries of the kernels of a file, the best first."""
    place = hashlib.sha256(str(source.parent).encode()).hexdigest()[:_SHOWN]
    if config.CACHE_DIR:
        yield Path(config.CACHE_DIR) / f"hybrid_train-{place}"
        return
    yield source.parent / "__pycache__"
    with suppress(RuntimeError):  # nobody's home
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        yield Path(home) / "hybrid_train" / place


def kernel_folders() -> list[Path]:
    """Return the folders that hold compiled kernels of this distribution."""
    sources = {path.parent for name in _PACKAGES for path in (_ROOT / name).rglob("*.py")}
    found = {folder for source in sources for folder in _folders(source / "x.py")}
    return sorted(folder for folder in found if folder.is_dir() and any(folder.glob("*.nbc")))


def _written(path: Path, content: bytes) -> bool:
    """Write a file whole or not at all; return whether it is there."""
    partial = path.with_name(f"{path.name}.{uuid4().hex[:8]}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        os.replace(partial, path)
    except OSError:
        with suppress(OSError):
            partial.unlink()
        return False
    return True


@cache
def _tell_once() -> None:
    """Say that kernels are compiled in every process, since no folder takes them."""
    with suppress(Exception):  # standard error may be closed
        print(
            "hybrid-train: note: compiled kernels cannot be kept, so every start compiles them again; "
            "set NUMBA_CACHE_DIR to a folder that can be written",
            file=sys.stderr,
        )


def _source_stamp(function: Any) -> str:
    """Return a hash of the sources of a function: our kernels all together, and any other files it calls kernels of."""
    ours = [_ROOT / name for name in _PACKAGES]
    files = sorted({path for path in _files_of(function, set()) if not any(path.is_relative_to(one) for one in ours)})
    return hashlib.sha256("".join([_our_stamp(), *(_content_hash(path) for path in files)]).encode()).hexdigest()


def _files_of(function: Any, seen: set[int]) -> Iterator[Path]:
    """Yield the files of a function and of the kernels that its globals name, and theirs."""
    if id(function) in seen:
        return
    seen.add(id(function))
    yield Path(function.__code__.co_filename)
    for name in function.__code__.co_names:
        called = getattr(function.__globals__.get(name), "py_func", None)
        if called is not None:
            yield from _files_of(called, seen)


@cache
def _content_hash(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:  # typed at a prompt, for instance
        return str(path)


@cache
def _our_stamp() -> str:
    """Return a hash of the source files of this distribution that kernels are made of.

    Those that name the door to Numba, and every file of ours that these import: records, constants, intrinsics.
    """
    texts = {path: path.read_text(encoding="utf-8") for name in _PACKAGES for path in (_ROOT / name).rglob("*.py")}
    wanted = {path for path, text in texts.items() if "support.kernels" in text or "numba" in text}
    todo = list(wanted)
    while todo:
        for path in _imported(texts[todo.pop()]):
            if path in texts and path not in wanted:
                wanted.add(path)
                todo.append(path)
    whole = hashlib.sha256()
    for path in sorted(wanted):
        whole.update(f"{path.relative_to(_ROOT)}\n{texts[path]}\n".encode())
    return whole.hexdigest()


def _imported(text: str) -> Iterator[Path]:
    """Yield the files that a source may import from this distribution."""
    for module, names, whole in _IMPORT.findall(text):
        base = _ROOT.joinpath(*(module or whole).split("."))
        yield base.with_suffix(".py")
        yield base / "__init__.py"
        for name in re.findall(r"\w+", names):
            yield (base / name).with_suffix(".py")
