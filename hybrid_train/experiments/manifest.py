"""What a results directory should hold: sizes and SHA-256 of its files, checked whenever it is read.

``manifest.json`` is written after the files it speaks of, so what it names is there, whole; what it does not name has
not been finished. While a run goes on it names the beginning of the metrics; once the ``status`` is another than
"running", all files.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from hybrid_train.errors import CheckpointError
from hybrid_train.support.files import file_digest, write_json
from hybrid_train.support.messages import printable, quoted
from hybrid_train.support.untrusted import MIB, opened, read_bytes, reading

MANIFEST = "manifest.json"
METRICS_NAME = re.compile(r"(metrics|rows)\.jsonl")
_NAME = re.compile(
    r"config\.toml|environment\.json|request\.json|summary\.json|(metrics|rows)\.jsonl|"
    r"proofs/seals\.txt|"
    r"checkpoints/(step|resume|snapshot)-[0-9]{1,18}\.npz"
)
STATUSES = ("running", "done", "stopped", "failed")
_LARGEST = 64 * MIB
_LARGEST_FILE = 1 << 46


@final
@dataclass
class Manifest:
    """What should be there.

    Attributes:
        status: "running", "done", "stopped" by a signal, or "failed".
        files: by name, ``bytes`` and ``sha256``; ``lines`` of those with one record a line, ``arrays`` (shapes) of
            archives. A file that is being replaced has its former entry in ``before``.
    """

    status: str = "running"
    files: dict[str, dict[str, Any]] = field(default_factory=dict)

    def take(self, directory: Path, name: str, **more: Any) -> None:
        """Enter a file as it is now."""
        size, digest = file_digest(directory / name)
        self.files[name] = {"bytes": size, "sha256": digest, **more}

    def write(self, directory: Path) -> None:
        """Write it, whole or not at all."""
        write_json(directory / MANIFEST, {"status": self.status, "files": self.files})

    @classmethod
    def read(cls, directory: Path) -> Manifest:
        """Read the manifest of a directory, and nothing else.

        Raises:
            CheckpointError: there is none, or it is damaged.
        """
        path = directory / MANIFEST
        name = printable(os.fspath(path))
        if not path.exists():
            raise CheckpointError(
                f"{name}: missing, so nothing says whether the files are whole; run again (earlier versions wrote none)"
            )
        with reading(name, CheckpointError, "damaged"):
            document = json.loads(read_bytes(path, _LARGEST).decode("utf-8"))
            found = cls(document["status"], document["files"])
            if found.status not in STATUSES or not all(found._sound(*item) for item in found.files.items()):
                raise CheckpointError(f"{name}: damaged: an entry is none of a results directory")
        return found

    def check(self, directory: Path, spare: str | None = None) -> None:
        """Compare the files of the directory with what should be there.

        Args:
            directory: that it was read from.
            spare: files whose names have this in them are not looked at.

        Raises:
            CheckpointError: one is missing, or another than it was when it was written.
        """
        for name in self.files:
            if spare is None or spare not in name:
                self.check_one(directory, name)
        if self.status == "running":
            return
        found = [path for pattern in ("*.toml", "*.json*", "checkpoints/*.npz") for path in directory.glob(pattern)]
        names = (path.relative_to(directory).as_posix() for path in found)
        for name in sorted(names):
            if name != MANIFEST and _NAME.fullmatch(name) and name not in self.files:
                raise CheckpointError(
                    f"{printable(os.fspath(directory / name))}: not in {MANIFEST}, so this run did not write it; "
                    "remove it"
                )

    def check_one(self, directory: Path, name: str) -> None:
        """Compare one file with what should be there.

        Raises:
            CheckpointError: it is missing, or another than it was when it was written.
        """
        path, entry = directory / name, self.files[name]
        shown = printable(os.fspath(path))
        growing = self.status == "running" and METRICS_NAME.fullmatch(name) is not None
        if self.status == "running" and name == "summary.json":  # replaced before the manifest that names it
            return
        with reading(shown, CheckpointError, "damaged"):
            with opened(path, _LARGEST_FILE):
                pass
            size, digest = file_digest(path, entry["bytes"] if growing else None)
        known = [entry, *([entry["before"]] if "before" in entry else [])]
        if not any(size == one["bytes"] and digest == one["sha256"] for one in known):
            what = "shorter than" if size < entry["bytes"] else "not what"
            raise CheckpointError(
                f"{shown}: {what} was written ({MANIFEST} has another size or SHA-256); restore it from a copy, "
                "or run again"
            )

    @staticmethod
    def _sound(name: Any, entry: Any) -> bool:
        def digest(one: Any) -> bool:
            return (
                isinstance(one, dict)
                and type(one.get("bytes")) is int
                and one["bytes"] >= 0
                and isinstance(one.get("sha256"), str)
            )

        if not (isinstance(name, str) and _NAME.fullmatch(name) and digest(entry)):
            return False
        return digest(entry.get("before", entry))


def differing(there: Any, here: Any, path: str = "") -> list[str]:
    """Return the keys in which two documents differ, a line each, with both values."""
    if isinstance(there, dict) and isinstance(here, dict):
        lines: list[str] = []
        for key in dict.fromkeys([*there, *here]):
            below = f"{path}.{key}" if path else str(key)
            lines += differing(there.get(key), here.get(key), below)
        return lines
    if type(there) is type(here) and there == here:
        return []
    return [f"{path}: {quoted(there)} there, {quoted(here)} here"]
