"""Every example runs in a process that compiles its kernels and in one that finds them compiled, to the same numbers.

What reads past the end of an array may do so in one of the two only: compiled code that is loaded lies elsewhere.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
import warnings
from pathlib import Path

import pytest

from tests.support.forks import Fork, program

EVERY = os.environ.get("HYBRID_TRAIN_TWICE") == "1"
"""Whether every example is run: ``make test-twice``. The suite takes two that compile little."""
FEW = {"own_table.toml", "algorithm8_grover_data.toml"}
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
CALLS: dict[str, dict[str, object]] = {
    "adversarial_digits": {},
    "estimator": {"fractions": (0.1, 0.2), "width": 32, "folds": 2},
    "lazy_training": {"output_weights": (1.0, 16.0), "width": 256, "seeds": 1},
    "noise": {"rates": (0.0, 0.09), "width": 8, "n": 2, "seeds": 2},
}
"""What ``main`` of a script is called with."""
WHOLE = {"own_finder", "tour"}
"""Scripts without a ``main``, from top to bottom."""
ARGUMENTS = {"adversarial_digits": ["--steps", "2"]}


def run_script(path: Path) -> int:
    """Run a script in this process."""
    warnings.filterwarnings("ignore", "FigureCanvasAgg")
    sys.argv = [str(path), *ARGUMENTS.get(path.stem, [])]
    if path.stem in WHOLE:
        runpy.run_path(str(path), run_name="__main__")
    else:
        runpy.run_path(str(path))["main"](**CALLS[path.stem])
    return 0


def started(path: Path, cache: Path) -> Fork:
    """Start a short run of an example, which prints numbers and no times."""
    environment = {"NUMBA_CACHE_DIR": str(cache), "MPLBACKEND": "agg"}
    if path.suffix == ".py":
        return Fork(run_script, path, environment=environment)
    changes = [word for change in SMALLER.get(path.stem, []) for word in ("--set", change)]
    return program(["run", str(path), *SHORT, *changes], environment)


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


def paths() -> list[Path]:
    found = sorted([*EXAMPLES.glob("*.toml"), *EXAMPLES.glob("*.py")])
    return [path for path in found if EVERY or path.name in FEW]


@pytest.mark.parametrize("path", paths(), ids=lambda path: path.name)
def test_an_example_runs_compiling_and_from_the_cache(path: Path, cache: Path) -> None:
    runs, caches = [], []
    for _ in range(2):
        done = started(path, cache).done()
        assert done.code == 0, done.err
        runs.append(numbers(path, done.out))
        caches.append(compiled(cache))
    assert runs[0], "numbers"
    assert runs[0] == runs[1]
    assert caches[0] == caches[1] != {}, "the second run compiles nothing"
