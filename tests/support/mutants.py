"""Applying small mistakes to a copy of the tree, one at a time: ``python -m tests.support.mutants``.

The mistakes are listed in ``tests/mutations/*.toml``, each with the tests that have to notice it. A test that fails is
run without the mistake too, so that it fails for that alone. Every run has compiled kernels of its own: those of the
sound copy, which a mistake in a source of kernels makes invalid by itself.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import final

ROOT = Path(__file__).parents[2]
LISTS = ROOT / "tests" / "mutations"
LIMIT = 400.0
"""Seconds after which tests hang: a mistake that makes them is noticed."""

_COPIED = ("hybrid_train", "classical", "circuits", "tests", "examples", "benchmarks")
_KINDS = {"toml", "py", "typed", "md", "txt", "csv", "tsv", "json"}


@dataclass(frozen=True)
class Mutation:
    """A small mistake.

    Attributes:
        area: the list it is from.
        name: what it is about.
        file: where, relative to the root.
        old: the text there, found exactly once.
        new: what it becomes.
        wrong: why that is a mistake.
        tests: files, or single tests, of which one must fail.
    """

    area: str
    name: str
    file: str
    old: str
    new: str
    wrong: str
    tests: tuple[str, ...]

    def fault(self, root: Path = ROOT) -> str:
        """Return why it does not apply to a tree; nothing if it does."""
        path = root / self.file
        found = path.read_text(encoding="utf-8").count(self.old) if path.is_file() else 0
        missing = [test for test in self.tests if not _is_there(root, test)]
        if found != 1:
            return f"its text is found {found} times in {self.file}"
        return f"no tests {', '.join(missing)}" if missing else ""

    def apply(self, root: Path) -> None:
        """Make the mistake in a tree."""
        path = root / self.file
        path.write_text(path.read_text(encoding="utf-8").replace(self.old, self.new), encoding="utf-8")


def _is_there(root: Path, test: str) -> bool:
    path, _, name = test.partition("::")
    function = name.rpartition("::")[2].partition("[")[0]
    if not (root / path).exists():
        return False
    return not function or f"def {function}(" in (root / path).read_text(encoding="utf-8")


@dataclass(frozen=True)
class Outcome:
    """What became of a mutation: ``killed``, ``survived``, or ``broken`` where the tests could not be run with it."""

    mutation: Mutation
    kind: str
    told: str
    seconds: float


def mutations(folder: Path = LISTS) -> list[Mutation]:
    """Return all mutations that are listed."""
    lists = {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.toml"))}
    return [
        Mutation(area, **one | {"tests": tuple(one["tests"])})
        for area, found in lists.items()
        for one in found["mutation"]
    ]


@final
class _Copy:
    """A copy of the tree with compiled kernels of its own.

    Args:
        folder: for both; empty.
    """

    def __init__(self, folder: Path) -> None:
        self.root, self.kernels = folder / "tree", folder / "kernels"
        for name in _COPIED:
            for path in sorted((ROOT / name).rglob("*")):
                if path.suffix.removeprefix(".") in _KINDS and path.is_file() and "__pycache__" not in path.parts:
                    to = self.root / path.relative_to(ROOT)
                    to.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(path, to)
        for path in ROOT.iterdir():
            if path.is_file():
                shutil.copyfile(path, self.root / path.name)

    def run(self, tests: Sequence[str]) -> tuple[int, str]:
        """Run tests, until the first that fails; return the exit status and the last lines."""
        environment = os.environ | {
            "NUMBA_CACHE_DIR": str(self.kernels),
            "PYTHONPATH": str(self.root),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        options = ("-x", "-q", "-n", "0", "-p", "no:randomly", "-p", "no:cacheprovider", "--hypothesis-seed=0")
        command = [sys.executable, "-m", "pytest", *options, *tests]
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
            process = subprocess.Popen(
                command, cwd=self.root, env=environment, stdout=output, stderr=output, start_new_session=True
            )
            try:
                status = process.wait(LIMIT)
            except BaseException as error:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                if isinstance(error, subprocess.TimeoutExpired):
                    return 1, f"no end after {LIMIT:.0f} s"
                raise
            output.seek(0)
            lines = [line for line in output.read().splitlines() if line.startswith(("FAILED ", "ERROR "))]
        return status, lines[-1].partition(" ")[2] if lines else f"status {status}"

    def borrow(self, other: _Copy) -> None:
        """Take the compiled kernels of another copy: an entry lies in a folder named by where its source lies."""
        shutil.rmtree(self.kernels, ignore_errors=True)
        for folder in (path for name in _COPIED for path in (other.root / name, *(other.root / name).rglob("*"))):
            kept = other.kernels / _cached(folder)
            if folder.is_dir() and kept.is_dir():
                to = self.kernels / _cached(self.root / folder.relative_to(other.root))
                to.mkdir(parents=True, exist_ok=True)
                for path in kept.iterdir():
                    os.link(path, to / path.name)


def _cached(folder: Path) -> str:
    return f"hybrid_train-{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}"


@final
class _Sound:
    """The tree as it is: what a mistake made fail must pass there.

    Args:
        folder: for a copy of it; empty.
    """

    def __init__(self, folder: Path) -> None:
        self.copy = _Copy(folder)
        self._passed: dict[tuple[str, ...], bool] = {}
        self._one_at_a_time = Lock()

    def passes(self, tests: tuple[str, ...]) -> bool:
        """Return whether these tests pass without any mistake."""
        with self._one_at_a_time:
            if tests not in self._passed:
                self._passed[tests] = self.copy.run(tests)[0] == 0
            return self._passed[tests]


def outcomes(chosen: Sequence[Mutation], folder: Path, jobs: int) -> Iterator[Outcome]:
    """Make the mistakes, one after the other, and yield what the tests say.

    Args:
        chosen: that all apply.
        folder: for the copies.
        jobs: copies that are worked on at once.
    """
    sound = _Sound(folder / "sound")
    free: SimpleQueue[_Copy] = SimpleQueue()
    for job in range(jobs):
        free.put(_Copy(folder / str(job)))

    def tried(mutation: Mutation) -> Outcome:
        copy = free.get()
        path = copy.root / mutation.file
        before, started = path.read_text(encoding="utf-8"), time.monotonic()
        try:
            copy.borrow(sound.copy)
            mutation.apply(copy.root)
            status, told = copy.run(mutation.tests)
        finally:
            path.write_text(before, encoding="utf-8")
            free.put(copy)
        kind = "survived" if status == 0 else "killed" if status == 1 or status < 0 else "broken"
        if kind == "killed":
            failed = told.partition(" - ")[0]
            if not sound.passes((failed,) if "::" in failed else mutation.tests):
                kind, told = "broken", f"fails without the mistake too: {failed}"
        return Outcome(mutation, kind, told, time.monotonic() - started)

    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(tried, chosen)


def main() -> int:
    """Try the mutations, and print those that nobody notices."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--only", default="", help="part of the areas, names or files of those to try")
    options.add_argument("--jobs", type=int, default=2, help="copies of the tree that are worked on at once")
    given = options.parse_args()
    chosen = [one for one in mutations() if given.only in f"{one.area}: {one.name} {one.file}"]
    faults = [f"{one.name}: does not apply: {fault}" for one in chosen if (fault := one.fault())]
    if faults or not chosen:
        print("\n".join(faults) or f"no mutation is called {given.only!r}")
        return 2
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        for outcome in outcomes(chosen, Path(folder), max(1, given.jobs)):
            counts[outcome.kind] += 1
            print(f"{outcome.kind:8} {outcome.seconds:4.0f} s  {outcome.mutation.name}: {outcome.told}", flush=True)
    print(f"{len(chosen)} mutations:", ", ".join(f"{counts[kind]} {kind}" for kind in ("killed", "survived", "broken")))
    return int(counts["killed"] != len(chosen))


if __name__ == "__main__":
    sys.exit(main())
