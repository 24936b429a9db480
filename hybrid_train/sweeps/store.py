"""Results of runs as files, each written once: the first wins, and a second must say the same to the last bit."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any, final
from uuid import uuid4

from hybrid_train.errors import CheckpointError, InvariantError
from hybrid_train.support.files import json_text, sync_folder, writing
from hybrid_train.support.messages import printable
from hybrid_train.support.untrusted import MIB, read_bytes, reading

_LARGEST = 256 * MIB


@final
class Store:
    """The folder ``runs`` of a sweep.

    A file ``<identity>.json`` is ``{"sha256": .., "result": .., "clock": ..}``: the digest is of the result, which the
    clock has no part in.

    Args:
        folder: made if missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for left in folder.glob("*.partial"):
                left.unlink(missing_ok=True)

    def get(self, identity: str) -> dict[str, Any] | None:
        """Return what was written for a run, None if nothing was.

        Raises:
            CheckpointError: it is damaged.
        """
        path = self._folder / f"{identity}.json"
        name = printable(os.fspath(path))
        if not path.exists():
            return None
        with reading(name, CheckpointError, "damaged"):
            found = json.loads(read_bytes(path, _LARGEST).decode("utf-8"))
            whole = found["sha256"] == _digest(found["result"]) and found["result"]["id"] == identity
            if not (whole and isinstance(found["clock"], dict)):
                raise CheckpointError(f"{name}: not what was written; remove the file to have the run repeated")
        return dict(found)

    def put(self, result: dict[str, Any], clock: dict[str, Any]) -> bool:
        """Keep a result; return whether it is the first of its run.

        It is written beside its place and linked there, which fails where a file is: nobody replaces anybody's.

        Raises:
            InvariantError: one is there that says something else.
            CheckpointError: it cannot be written.
        """
        identity = result["id"]
        path = self._folder / f"{identity}.json"
        partial = path.with_name(f"{identity}.{uuid4().hex[:8]}.partial")
        text = json_text({"sha256": _digest(result), "result": result, "clock": clock})
        with writing(path):
            try:
                with open(partial, "x", encoding="utf-8") as file:
                    file.write(text + "\n")
                    file.flush()
                    os.fsync(file.fileno())
                os.link(partial, path)
                sync_folder(self._folder)
            except FileExistsError:
                self._compare(identity, result)
                return False
            finally:
                partial.unlink(missing_ok=True)
        return True

    def _compare(self, identity: str, result: dict[str, Any]) -> None:
        there = self.get(identity)
        if there is None or there["sha256"] != _digest(result):
            raise InvariantError(
                f"run {identity}: came to another result the second time; machines of one sweep must have the same "
                "processors and versions"
            )


def _digest(result: Any) -> str:
    plain = json.loads(json_text(result))
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode("utf-8")).hexdigest()
