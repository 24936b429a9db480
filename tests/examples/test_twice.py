"""Every example runs in a process that compiles its kernels and in one that finds them compiled, to the same numbers.

What reads past the end of an array may do so in one of the two only: compiled code that is loaded lies elsewhere.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
SHORT = ["--quiet", "--json", "--set", "training.steps=2", "--set", "run.audit_every=1"]
SMALLER = {
    "theory": ["network.width=1024"],
    "theory_applies": ["network.width=1024"],
    "algorithm7_grover_neurons": ["network.width=16"],
    "algorithm8_grover_data": ["network.width=64"],
    "arithmetic_oracle": ["data.n=1", "network.width=4", "training.steps=1"],
    "adversarial_grover": ["data.n=2", "network.width=16", "training.steps=1"],
    "quickstart": ["network.width=16"],
    "convolutional_digits": ["data.n=32"],
    "deep_digits": ["data.n=32"],
    "residual_digits": ["data.n=32"],
}
"""What else is made smaller where circuits or deep networks are slow."""
CALLS = {
    "adversarial_digits": "",
    "estimator": "fractions=(0.1, 0.2), width=32, folds=2",
    "lazy_training": "output_weights=(1.0, 16.0), width=256, seeds=1",
    "noise": "rates=(0.0, 0.09), width=8, n=2, seeds=2",
}
"""What ``main`` of a script is called with."""
WHOLE = {"own_finder", "tour"}
"""Scripts without a ``main``, from top to bottom."""
ARGUMENTS = {"adversarial_digits": ["--steps", "2"]}


def command(path: Path) -> list[str]:
    """A short run of an example, which prints numbers and no times."""
    if path.suffix == ".toml":
        changes = [word for change in SMALLER.get(path.stem, []) for word in ("--set", change)]
        return ["-m", "hybrid_train", "run", str(path), *SHORT, *changes]
    if path.stem in WHOLE:
        return ["-W", "ignore:FigureCanvasAgg", str(path)]
    code = f"import runpy; runpy.run_path({str(path)!r})['main']({CALLS[path.stem]})"
    return ["-c", code, *ARGUMENTS.get(path.stem, [])]


def numbers(path: Path, printed: str) -> object:
    """What has to be the same in both runs."""
    return json.loads(printed)["rows"][0]["losses"] if path.suffix == ".toml" else printed


def compiled(cache: Path) -> dict[str, int]:
    """The files of the cache and when each was written."""
    return {str(file): file.stat().st_mtime_ns for file in cache.rglob("*.nb*")}


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty cache of compiled code, which later examples go on with."""
    return tmp_path_factory.mktemp("compiled")


@pytest.mark.parametrize("path", sorted([*EXAMPLES.glob("*.toml"), *EXAMPLES.glob("*.py")]), ids=lambda path: path.name)
def test_an_example_runs_compiling_and_from_the_cache(path: Path, cache: Path) -> None:
    runs, caches = [], []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, *command(path)],
            env=os.environ | {"NUMBA_CACHE_DIR": str(cache), "MPLBACKEND": "agg"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        runs.append(numbers(path, done.stdout))
        caches.append(compiled(cache))
    assert runs[0], "numbers"
    assert runs[0] == runs[1]
    assert caches[0] == caches[1] != {}, "the second run compiles nothing"
