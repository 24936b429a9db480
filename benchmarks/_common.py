"""What every benchmark does: its arguments, where it ran, its table and its JSON file."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Callable, Iterable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from hybrid_train.support.processors import usable_processors

Case = TypeVar("Case")


def arguments(
    description: str | None,
    *,
    figures: bool = False,
    dimensions: tuple[int, ...] = (),
    workers: bool = False,
    only: bool = False,
) -> argparse.Namespace:
    """Return the options ``quick`` and ``json``, and those that a benchmark draws, has dimensions or workers with."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="smaller sizes, under a minute")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    if figures:
        parser.add_argument("--figures", type=Path, metavar="DIR", help="draw the figures there")
    if dimensions:
        parser.add_argument("--dimensions", type=_numbers, default=dimensions, metavar="D,...", help="these alone")
    if only:
        parser.add_argument("--only", type=_words, default=(), metavar="WORD,...", help="rows that show all of these")
    if workers:
        parser.add_argument("--workers", type=int, metavar="N", help="processes that work side by side; this one alone")
        parser.add_argument("--scheduler", metavar="ADDRESS", help="a Dask scheduler, whose workers do")
        parser.add_argument("--out", type=Path, metavar="DIR", help="keep what comes in this new directory")
        parser.add_argument("--resume", type=Path, metavar="DIR", help="go on in this one")
    return parser.parse_args()


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def chosen(cases: Iterable[Case], only: tuple[str, ...], words: Callable[[Case], set[str]]) -> list[Case]:
    """Return the cases that show all of the words given to ``--only``; end the benchmark if there is none."""
    found = [case for case in cases if words(case).issuperset(only)]
    if not found:
        sys.exit(f"--only {','.join(only)}: no such row")
    return found


def needs(package: str) -> None:
    """End the benchmark, in peace, if a peer to compare with is not installed."""
    if find_spec(package) is None:
        print(f"skipped: there is no {package} to compare with; pip install -e '.[peers]' brings it")
        sys.exit(0)


def environment(packages: Iterable[str], *, threads: int, dtype: str) -> dict[str, Any]:
    """Return machine, threads, dtype and versions; print them."""
    versions = {"python": platform.python_version()}
    for name in ("hybrid-train", "numpy", *packages):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "absent"
    machine = f"{_processor()}, {usable_processors()} processors, {platform.system()}"
    found = {"machine": machine, "threads": threads, "dtype": dtype, "versions": versions}
    print(f"{machine}; threads {threads}; {dtype}; {', '.join(f'{key} {value}' for key, value in versions.items())}")
    return found


def print_table(rows: list[dict[str, Any]]) -> None:
    """Print dictionaries with the same keys as aligned columns."""
    names = list(rows[0])
    cells = [names, *([_cell(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[at]) for line in cells) for at in range(len(names))]
    for line in cells:
        print("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))


def write_json(path: Path | None, document: dict[str, Any]) -> None:
    """Write the figures if a file was asked for."""
    if path:
        path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()
