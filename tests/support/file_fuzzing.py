"""Reading hostile files in children with little memory and little time: ``python -m tests.support.file_fuzzing``.

A child reads file after file and reports each; whoever is silent for too long, dies, takes memory out of proportion,
raises an error that is not ours or takes what a plain reader does not take is counted.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import select
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import psutil

from hybrid_train.config import load_config
from hybrid_train.data.file import read_examples
from hybrid_train.errors import HybridTrainError
from tests.support.directory_mutations import (
    fault_of_directory,
    fault_of_network,
    mutated_directories,
    mutated_networks,
)
from tests.support.file_mutations import mutated_files
from tests.support.hostile_files import hostile_files
from tests.support.second_opinions import objection

ROOM = 1 << 30
"""Bytes of address space that a child may take beyond what it starts with."""

SILENCE, WORK = 60.0, 8.0
"""Seconds without a report after which a child hangs, and of work after which a file has made it hang."""

FAULTS = ("foreign", "hang", "memory", "accepted")


@dataclass(frozen=True)
class Verdict:
    """What became of a file: ``refused``, ``taken``, or one of :data:`FAULTS`."""

    path: Path
    kind: str
    told: str


def verdicts(paths: Sequence[Path]) -> list[Verdict]:
    """Return what becomes of each file when it is read."""
    found: list[Verdict] = []
    while len(found) < len(paths):
        found += _batch(paths[len(found) :])
    return found


def _batch(paths: Sequence[Path]) -> list[Verdict]:
    """Let one child read files for as long as it lives."""
    outlet, inlet = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(outlet)
        _read_all(paths, inlet)
    os.close(inlet)
    found: list[Verdict] = []
    hung = False
    with os.fdopen(outlet, "rb", buffering=0) as reports:
        rest = b""
        while len(found) < len(paths):
            if not select.select([reports], [], [], SILENCE)[0]:
                hung = True
                os.kill(child, signal.SIGKILL)
                break
            part = reports.read(1 << 16)
            if not part:
                break
            *lines, rest = (rest + part).split(b"\n")
            found += [Verdict(paths[at], kind, told) for at, kind, told in map(json.loads, lines)]
    status = os.waitpid(child, 0)[1]
    if len(found) < len(paths):
        told = "no answer" if hung else f"the reader died, status {status}"
        found.append(Verdict(paths[len(found)], "hang" if hung else "foreign", told))
    return found


def _read_all(paths: Sequence[Path], inlet: int) -> NoReturn:
    """Read files in a child and report each on a line."""
    with contextlib.suppress(BaseException):
        room = psutil.Process().memory_info().vms + ROOM
        resource.setrlimit(resource.RLIMIT_AS, (room, room))
        for at, path in enumerate(paths):
            os.write(inlet, json.dumps([at, *_judged(path)]).encode() + b"\n")
    os._exit(0)


def _judged(path: Path) -> tuple[str, str]:
    started, before = time.process_time(), _resident()
    result: object = None
    kind, told = "taken", ""
    try:
        result = _read(path)
    except HybridTrainError as error:
        kind, told = "refused", str(error)
    except BaseException as error:
        kind, told = "foreign", f"{type(error).__name__}: {error}"
    if time.process_time() - started > WORK:
        return "hang", f"{time.process_time() - started:.0f} s of work"
    size = path.stat().st_size if path.is_file() else 0
    taken = _peak() - before
    if (taken > (ROOM >> 1) and taken > 40 * size) or "the memory that is left" in told:
        return "memory", f"{taken >> 20} MiB for {size} bytes; {told}"[:300]
    if kind == "refused" and len(told) > 6000:
        return "foreign", f"a message of {len(told)} letters"
    why = (result if isinstance(result, str) else objection(path, result)) if kind == "taken" else ""
    return ("accepted", why) if why else (kind, told[:300])


def _read(path: Path) -> object:
    """Return what a file is taken for; of what a run left, what is wrong with that, in words."""
    if path.is_dir():
        return fault_of_directory(path)
    if path.name.startswith("network-"):
        return fault_of_network(path)
    return load_config(path) if path.suffix == ".toml" else read_examples(path)


def _resident() -> int:
    """Return what is held, and let the peak begin there."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return int(psutil.Process().memory_info().rss)


def _peak() -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM")), 0)


def main() -> int:
    """Fuzz, and print what is wrong."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=3000, help="mutations besides the files made by hand")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--keep", type=Path, help="folder to leave the files in")
    given = options.parse_args()
    with contextlib.ExitStack() as stack:
        folder = (given.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))).absolute()
        folder.mkdir(exist_ok=True)
        os.chdir(folder)
        paths = [*hostile_files(folder), *mutated_files(folder, given.count, given.seed)]
        paths += mutated_directories(folder, given.count // 10, given.seed)
        paths += mutated_networks(folder, given.count // 5, given.seed)
        found = verdicts(paths)
        executed = [path.name for path in folder.glob("was-unpickled")]
    faults = [one for one in found if one.kind in FAULTS]
    for one in faults:
        print(f"{one.kind}: {one.path.name}: {one.told}")
    counts = Counter(one.kind for one in found)
    print(f"{len(found)} files:", ", ".join(f"{counts[kind]} {kind}" for kind in ("refused", "taken", *FAULTS)))
    return int(bool(faults or executed))


if __name__ == "__main__":
    sys.exit(main())
