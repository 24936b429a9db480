"""Build the wheel, install it into an environment of its own, and use it where no source can be seen.

python -m tests.support.out_of_sight                 # the versions of constraints.txt
python -m tests.support.out_of_sight --versions minimum   # the oldest that pyproject.toml allows
python -m tests.support.out_of_sight --versions newest --python /usr/bin/python3.13
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("hybrid_train", "classical", "circuits")
TESTS = ("tests/hybrid_train/cli", "tests/hybrid_train/data", "tests/hybrid_train/estimators", "tests/circuits/engines")
COMMANDS = (
    "--version",
    "finders --json",
    "doctor",
    "cite examples/quickstart.toml",
    "run examples/own_table.toml --out flowers --quiet",
    "predict flowers examples/flowers.csv --out predictions.csv",
    "report flowers",
    "compare examples/quickstart.toml --finders scan,hsr,skin,grover --set training.steps=2 --out compared --quiet",
    "report compared",
    "sweep examples/algorithm2_hsr_neurons.toml --grid network.width=32 --seeds 0,1 --set training.steps=2 --out swept",
    "count --widths 2^6,2^30 --counts 3 --trials 2 --strategies known_k,adaptive --out counted",
    "resources --width 16 --dim 2 --bits 3 --draw oracle.png",
    "theory examples/theory.toml --no-costs --set training.steps=3 --out checked",
)
"""What is typed, from a folder that has the examples and nothing else of ours."""


def oldest(pyproject: Path, extras: Sequence[str]) -> list[str]:
    """Return the requirements of a project and of some of its extras, each at its lower bound."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *(one for name in extras for one in project["optional-dependencies"][name])]
    return [re.sub(r"[>~]=\s*([^,;]+).*", r"==\1", one) for one in wanted]


def unlike(wheel: Path, root: Path = ROOT) -> list[str]:
    """Return the files that are in the wheel or in the packages of the tree, and not in both."""
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    there = {
        path.relative_to(root).as_posix()
        for package in PACKAGES
        for path in (root / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    return sorted(packed ^ there)


def build(scratch: Path) -> Path:
    """Return the wheel, built from a copy of the tree: what an earlier build left behind must not get in."""
    source = scratch / "source"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    _called(sys.executable, "-m", "pip", "-q", "wheel", "--no-deps", "-w", str(scratch), str(source))
    (wheel,) = scratch.glob("*.whl")
    return wheel


def install(scratch: Path, wheel: Path, python: str, versions: str, extras: Sequence[str]) -> Path:
    """Return the folder of programs of a fresh environment that has the wheel."""
    _called(python, "-m", "venv", str(scratch / "env"))
    programs = scratch / "env" / "bin"
    bounds = scratch / "constraints.txt"
    pinned = oldest(ROOT / "pyproject.toml", extras) if versions == "minimum" else []
    bounds.write_text("\n".join(pinned) if pinned else (ROOT / "constraints.txt").read_text(encoding="utf-8"))
    chosen = [] if versions == "newest" else ["-c", str(bounds)]
    wanted = f"{wheel}[{','.join(extras)}]" if extras else str(wheel)
    _called(str(programs / "python"), "-m", "pip", "-q", "--disable-pip-version-check", "install", *chosen, wanted)
    return programs


def use(scratch: Path, programs: Path, versions: str, tests: Sequence[str]) -> None:
    """Type the commands and run the tests in a folder that has no source."""
    away = scratch / "away"
    for name in ("examples", "tests"):
        shutil.copytree(ROOT / name, away / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, away)
    python = str(programs / "python")
    where = f"import {', '.join(PACKAGES)}; print({', '.join(f'{name}.__file__' for name in PACKAGES)})"
    found = subprocess.run([python, "-c", where], cwd=away, capture_output=True, text=True, check=True, env=_clean())
    if any(not place.startswith(str(scratch / "env")) for place in found.stdout.split()):
        raise SystemExit(f"not the installed packages: {found.stdout}")
    for command in COMMANDS:
        print(f"hybrid-train {command}", flush=True)
        _called(str(programs / "hybrid-train"), *command.split(), cwd=away, quiet=True)
    if tests:
        old = ["-W", "ignore::DeprecationWarning"] if versions == "minimum" else []  # old releases warn of new ones
        _called(python, "-m", "pytest", "-q", "-n", "2", "-m", "not slow and not peers", *old, *tests, cwd=away)


def _called(*command: str, cwd: Path | None = None, quiet: bool = False) -> None:
    done = subprocess.run(command, cwd=cwd, env=_clean(), check=False, capture_output=quiet, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr or ''}")


def _clean() -> dict[str, str]:
    """Return the environment without what would show the sources to Python."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "NUMBA_CACHE_DIR")}


def main(arguments: Sequence[str] | None = None) -> None:
    """Do it all, and say so."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--python", default=sys.executable, help="the interpreter of the environment")
    parser.add_argument("--versions", default="pinned", choices=("pinned", "minimum", "newest"))
    parser.add_argument("--extras", default="test", help="a comma list; empty for none, and no tests but the commands")
    parser.add_argument("--tests", nargs="*", default=list(TESTS), help="files or folders of tests")
    options = parser.parse_args(arguments)
    extras = [name for name in options.extras.split(",") if name]
    with tempfile.TemporaryDirectory(prefix="hybrid-train-wheel-") as folder:
        scratch = Path(folder).resolve()
        wheel = build(scratch)
        if different := unlike(wheel):
            raise SystemExit(f"in the wheel or in the tree, not in both: {', '.join(different)}")
        programs = install(scratch, wheel, options.python, options.versions, extras)
        use(scratch, programs, options.versions, options.tests if "test" in extras else [])
        print(f"{wheel.name} works where its sources cannot be seen ({options.versions} versions)")


if __name__ == "__main__":
    main()
