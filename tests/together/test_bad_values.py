"""Every key of a config, every option of the command line and every public method, given what it cannot take.

The keys, options and methods are listed by the code itself, so that a new one is held to the same.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hybrid_train
from classical.training import Training, gradient_descent, two_layer_dynamics
from hybrid_train.cli import main
from hybrid_train.cli.program import _parser
from hybrid_train.config.data_kinds import DATA_KINDS
from hybrid_train.config.schema import NETWORK_KINDS, AdversaryConfig, RunConfig, TrainingConfig
from hybrid_train.errors import ConfigError, HybridTrainError, InvariantError
from hybrid_train.finder.registry import finder_kinds, finder_options
from hybrid_train.support.declared import Kind, an, array, declared, optional, real, whole
from hybrid_train.training.batches import FreshBatches, FullBatch, MiniBatches
from hybrid_train.training.losses import make_loss
from tests.support.calls import CONFIG
from tests.support.counted_once import count_once

OURS = (HybridTrainError,)
NEVER: list[Any] = [float("nan"), float("inf"), -float("inf"), 10**400, b"x", 1j, object(), "", {}, [[]], np.ones(2)]
"""Nothing in a config can be any of these; some keys take one number, word, list or table, and those below not."""
PERHAPS: list[Any] = [None, True, -1, 0, 1.5, 1e308, "nonsense", [], [1], ["a"], {"a": 1}, "a\0b", "\n", "x" * 5000]

REQUIRED = {
    "sphere": {"dim": 3},
    "even_polynomial": {"n": 4, "dim": 3},
    "file": {"path": "no/such.csv"},
    "deep": {"depth": 2},
    "residual": {"depth": 2},
    "convolutional": {"grid": [2, 2], "kernel": 1, "channels": [2]},
}


def _tables(section: str, table: dict[str, Any]) -> dict[str, Any]:
    tables: dict[str, Any] = copy.deepcopy(CONFIG) | {section: table}
    if section == "adversary":
        tables["training"]["algorithm"] = "adversarial"
    return tables


def _keys() -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield (section, its table, key) for every key of every schema there is."""
    for section, kinds in (("data", DATA_KINDS), ("network", NETWORK_KINDS)):
        for kind, schema in kinds.items():
            for key in schema.model_fields:
                yield section, {"kind": kind} | REQUIRED.get(kind, {}), key
    for section, one in (("training", TrainingConfig), ("adversary", AdversaryConfig), ("run", RunConfig)):
        for key in one.model_fields:
            yield section, {}, key
    for kind in finder_kinds():
        for key in ("kind", *finder_options(kind).model_fields):
            yield "finder", {"kind": kind}, key


def _refusal(tables: dict[str, Any]) -> list[str]:
    """Return the lines of the error; none where the config is valid."""
    try:
        hybrid_train.load_config(tables)
    except ConfigError as error:
        return str(error).split("\n")
    return []


@pytest.mark.parametrize(("section", "table", "key"), list(_keys()))
def test_a_key_of_a_config(section: str, table: dict[str, Any], key: str) -> None:
    for value in (*NEVER, *PERHAPS):
        lines = _refusal(_tables(section, table | {key: value}))
        if lines:
            assert all(line and len(line) < 400 and line.isprintable() for line in lines), (value, lines)
            assert any(key in line for line in lines), (value, lines)
        elif isinstance(value, np.ndarray):  # stands for the list of its numbers
            assert not _refusal(_tables(section, table | {key: value.tolist()})), f"{key}={value!r:.60} accepted"
        else:
            assert not any(value is one for one in NEVER), f"{key}={value!r:.60} accepted"


TOML = (
    '[data]\nkind = "sphere"\nn = 6\ndim = 3\n[network]\nwidth = 16\n[training]\nsteps = 1\n[finder]\nkind = "scan"\n'
)
COMMANDS: dict[str, list[str]] = {
    "run": ["CONFIG"],
    "compare": ["CONFIG", "--finders", "scan"],
    "theory": ["CONFIG", "--no-costs"],
    "count": ["--widths", "8", "--strategies", "known_k", "--trials", "2"],
    "resources": ["--width", "8", "--dim", "2", "--bits", "3"],
    "crossover": ["--dim", "4", "--n", "4", "--classical-rate", "1e9", "--strategies", "known_k"],
    "finders": [],
    "completion": ["bash"],
    "report": ["no/such/run"],
    "sweep": ["CONFIG", "--workers", "1", "--quiet"],
    "reproduce": ["pre", "--quick", "--claims", "none"],
    "cite": ["CONFIG"],
    "predict": ["no/such/run", "no/such/file.csv"],
    "verify": ["no/such/run"],
}
TYPED = [
    "",
    "nonsense",
    "nan",
    "inf",
    "-inf",
    "-1",
    "0",
    "1e400",
    "1" + "0" * 400,
    "1.5",
    "a\0b",
    "\n",
    ",",
    "ä",
    "x" * 5000,
]
PLACES = ["", "a\0b", "x" * 5000, "c.toml/below", "no/such\n"]
"""What a path cannot be, most of it: whatever else is typed names a file."""


def _options() -> list[tuple[str, str]]:
    """Return (command, option or argument) for all that take a value."""
    (commands,) = (one for one in _parser()._actions if isinstance(one, argparse._SubParsersAction))
    return [
        (name, (action.option_strings or [action.dest])[-1])
        for name, parser in commands.choices.items()
        for action in parser._actions
        if action.nargs != 0
    ]


def test_every_command_is_tried() -> None:
    assert {command for command, _ in _options()} | {"finders"} == set(COMMANDS)


@pytest.mark.parametrize(("command", "option"), _options())
def test_an_option_of_the_command_line(
    command: str,
    option: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = tmp_path / "c.toml"
    config.write_text(TOML, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    count_once(monkeypatch)
    values = PLACES if option in {"--out", "--resume", "--along", "--draw"} else TYPED
    for number, value in enumerate(values):
        words = [str(config) if word == "CONFIG" else word for word in COMMANDS[command]]
        if option.startswith("--"):
            words = [*words, f"{option}={value}"]
        else:
            words = [value, *words[1:]] if option != "file" else [words[0], value]
        code = main([command, *words])
        said = capfd.readouterr().err
        note = (command, option, number, value[:40], code, said[-500:])
        assert code in {0, 1, 2}, note
        assert "Traceback" not in said, note
        assert not any(word in said for word in ("TypeError", "ValueError:", "KeyError", "InvariantError")), note
        if code:
            lines = said.splitlines()
            assert lines, note
            assert all(line.startswith("hybrid-train: ") and len(line) < 600 for line in lines), note


BANK = np.array([[1.5, 0.5], [0.5, 1.5], [0.5, 0.5]])
"""Two dimensions, which every finder serves."""

FINDERS = [kind for kind in finder_kinds() if kind != "empty"]
VECTORS, ROWS = array(2), array(1, "iu", empty=True)
ARGUMENTS: dict[str, dict[str, tuple[Any, Kind]]] = {
    "build": {"points": (BANK, VECTORS), "queries": (BANK, VECTORS), "threshold": (0.5, real())},
    "find": {"rows": (np.array([0]), optional(ROWS))},
    "move_points": {"rows": (np.array([0]), ROWS), "points": (BANK[:1], VECTORS)},
    "move_queries": {"rows": (np.array([0]), ROWS), "queries": (BANK[:1], VECTORS)},
    "plan": {"total_queries": (3, optional(whole(1)))},
    "check_resources": {"n_points": (3, whole(0)), "n_queries": (3, whole(0)), "dimension": (3, whole(1))},
}
ESTIMATORS = ["SparseTwoLayerClassifier", "SparseTwoLayerRegressor"]
X, Y = np.repeat(BANK, 4, axis=0) + np.arange(12.0)[:, None] / 50, np.tile([0, 1], 6)
FITTED: dict[str, dict[str, tuple[Any, Kind]]] = {
    "fit": {"X": (X, VECTORS), "y": (Y, array(1))},
    "partial_fit": {"X": (X, VECTORS), "y": (Y, array(1))},
    "predict": {"X": (X, VECTORS)},
    "score": {"X": (X, VECTORS), "y": (Y, array(1))},
}


def _foreign(call: Callable[..., Any], arguments: dict[str, tuple[Any, Kind]], allowed: tuple[type, ...]) -> list[str]:
    """Return what went otherwise than one error of ours, for each argument made wrong in each way."""
    failures = []
    for name, (_, kind) in arguments.items():
        for value in kind.wrong:
            told = f"{name}={value!r:.50}"
            try:
                call(**{key: good for key, (good, _) in arguments.items()} | {name: value})
            except InvariantError as error:
                failures.append(f"{told}: {error!r:.90}")
            except allowed as error:
                if "\n" in str(error) and isinstance(error, HybridTrainError):
                    failures.append(f"{told}: several lines")
            except Exception as error:
                failures.append(f"{told}: {error!r:.90}")
            else:
                failures.append(f"{told}: accepted")
    return failures


@pytest.mark.parametrize("kind", FINDERS)
@pytest.mark.parametrize("method", ARGUMENTS)
def test_a_method_of_a_finder(kind: str, method: str) -> None:
    finder = hybrid_train.make_finder(kind, seed=0, **({"engine": "closed_form"} if kind == "grover" else {}))
    if method != "build":
        finder.build(BANK, BANK, 0.5)
    before = finder.find() if method != "build" else None
    assert _foreign(getattr(finder, method), ARGUMENTS[method], (HybridTrainError,)) == []
    if before is not None:
        assert finder.find().same_sets(before)


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("method", FITTED)
def test_a_method_of_an_estimator(name: str, method: str) -> None:
    """Their contract is scikit-learn's, whose errors are ValueErrors and TypeErrors; what is wrong is never taken."""
    estimator = getattr(hybrid_train, name)(width=16, max_iter=2)
    estimator.fit(X, Y)
    assert _foreign(getattr(estimator, method), FITTED[method], (ValueError, TypeError, UserWarning)) == []


NETWORKS: dict[str, Callable[[], Any]] = {
    "two layers": lambda: hybrid_train.TwoLayerNetwork(hybrid_train.DenseBank(BANK), np.ones((3, 1)), 0.5),
    "deep": lambda: hybrid_train.fully_connected([4, 4], 3),
    "residual": lambda: hybrid_train.residual(4, 2, 3),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("method", ["predict", "forward"])
def test_a_method_of_a_network(name: str, method: str) -> None:
    called = getattr(NETWORKS[name](), method, None)
    if called is not None:
        assert _foreign(called, {"inputs": (BANK, VECTORS)}, (HybridTrainError,)) == []


def _trained() -> dict[str, Any]:
    """Return the arguments of a training of two steps."""
    loss, network = make_loss("squared"), NETWORKS["two layers"]()
    dynamics = two_layer_dynamics(network, BANK, hybrid_train.make_finder("scan"))
    return {"dynamics": dynamics, "batches": FullBatch(np.ones((3, 1))), "loss": loss, "steps": 2}


def _descended() -> dict[str, Any]:
    network, finder = NETWORKS["two layers"](), hybrid_train.make_finder("scan")
    targets = np.ones((3, 1))
    return {
        **{"network": network, "inputs": BANK, "targets": targets, "loss": make_loss("squared"), "finder": finder},
        "steps": 2,
    }


TRAININGS: list[tuple[Callable[..., Any], Callable[[], dict[str, Any]]]] = [
    (Training, _trained),
    (gradient_descent, _descended),
    (FullBatch, lambda: {"targets": np.ones((3, 1))}),
    (MiniBatches, lambda: {"targets": np.ones((3, 1)), "size": 2, "seed": 0}),
    (FreshBatches, lambda: {"draw": lambda rng, size: (BANK, np.ones((3, 1))), "size": 3, "seed": 0}),
]


@pytest.mark.parametrize(("called", "made"), TRAININGS, ids=lambda one: getattr(one, "__name__", ""))
def test_what_trains(called: Callable[..., Any], made: Callable[[], dict[str, Any]]) -> None:
    called(**made())
    arguments = {name: (None, kind) for name, kind in declared(called).items()}
    assert set(made()) - {"loss", "steps"} <= arguments.keys()
    for name, (_, kind) in arguments.items():
        assert _foreign(lambda name=name, **given: called(**made() | given), {name: (None, kind)}, OURS) == []


def test_a_finder_that_predicts_is_one() -> None:
    finder = (hybrid_train.make_finder("scan"), optional(an(hybrid_train.ActiveSetFinder)))
    assert (
        _foreign(NETWORKS["two layers"]().predict, {"inputs": (BANK, VECTORS), "finder": finder}, (HybridTrainError,))
        == []
    )
