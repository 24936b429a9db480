from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import circuits
import hybrid_train
from hybrid_train.errors import ConfigError, DataError, HybridTrainError, InvariantError
from hybrid_train.support.declared import Kind, array, checked, declared, either, optional, real, sequence, size, word
from tests.support.calls import CALLS, public

MADE_BY_FINDERS = {"ActiveSets"}
"""What is wrong with it is a bug of the finder that made it."""

NO_SUCH_FILE = {"load", "read_run", "read_dimacs", "sweep", "write_report"}

NO_ARGUMENTS_OF_THE_USER = {
    *("ActiveSetFinder", "Bank", "FollowingFinder", "WatchingFinder", "ClosedFormEngine", "finder_kinds"),
    *(
        "CallsAlong",
        "Comparison",
        "Config",
        "FoundAll",
        "Model",
        "Motion",
        "OracleCalls",
        "RunResult",
        "Sweep",
        "TheoryCheck",
    ),
}
"""Bases to derive from, and records that this package makes."""

CHECKED_BY_THE_CONTRACT_OF_SCIKIT_LEARN = {"SparseTwoLayerClassifier", "SparseTwoLayerRegressor"}
"""Their ``__init__`` must take anything; ``fit`` refuses it."""


def _callables() -> set[str]:
    names = {name for name in (*hybrid_train.__all__, *circuits.__all__) if callable(public(name))}
    return {name for name in names if not _is_error(public(name))}


def _is_error(found: Any) -> bool:
    return isinstance(found, type) and issubclass(found, Exception)


def _cases() -> list[Any]:
    return [
        pytest.param(name, parameter, value, id=f"{name}-{parameter}-{number}")
        for name in CALLS
        for parameter, kind in declared(public(name)).items()
        for number, value in enumerate(kind.wrong)
    ]


def _undeclared(function: Callable[..., Any]) -> set[str]:
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    parameters = {name for name, one in inspect.signature(function).parameters.items() if one.kind in kinds}
    return parameters - declared(function).keys()


def test_every_public_callable_is_called_or_said_to_take_nothing() -> None:
    assert _callables() - CALLS.keys() == NO_ARGUMENTS_OF_THE_USER | CHECKED_BY_THE_CONTRACT_OF_SCIKIT_LEARN


@pytest.mark.parametrize("name", CALLS)
def test_every_parameter_is_declared(name: str) -> None:
    assert _undeclared(public(name)) == set()


@pytest.mark.parametrize("name", CALLS.keys() - NO_SUCH_FILE)
def test_every_call_is_right_before_one_argument_is_made_wrong(name: str) -> None:
    public(name)(**CALLS[name]())


def test_every_wrong_value_gives_one_error_of_ours_that_names_the_parameter() -> None:
    failures = []
    for case in _cases():
        name, parameter, value = case.values
        try:
            public(name)(**CALLS[name]() | {parameter: value})
        except InvariantError as error:
            if name not in MADE_BY_FINDERS:
                failures.append(f"{case.id} {value!r:.60}: {error!r:.80}")
        except HybridTrainError as error:
            if CALLED.get(parameter, parameter) not in str(error):
                failures.append(f"{case.id} {value!r:.60}: no name in {error!s:.80}")
        except Exception as error:
            failures.append(f"{case.id} {value!r:.60}: {error!r:.80}")
        else:
            failures.append(f"{case.id} {value!r:.60}: accepted")
    assert failures == []


CALLED = {"source": "", "config": "", "kind": "", "finders": "finder", "strategies": "strateg", "oracle": ""}
"""A config's errors name its keys, a finder's is that of ``finder.kind``; of a list, one may be wrong."""


@checked(width=size(), rows=array(2), name=optional(word("a", "b")))
def _example(width: int, rows: Any, name: str | None = None) -> int:
    return width


def test_a_checked_function_is_called_with_what_it_was_given() -> None:
    assert _example(3, [[1.0]]) == 3
    assert _example(np.int64(3), rows=np.ones((2, 2)), name="b") == 3
    assert list(inspect.signature(_example).parameters) == ["width", "rows", "name"]


def test_messages_say_which_parameter_its_value_and_what_it_must_be() -> None:
    with pytest.raises(ConfigError, match=r"^width=0: must be an integer of at least 1"):
        _example(0, [[1.0]])
    with pytest.raises(DataError, match=r"^rows=<array of complex128, shape \(1, 1\)>: must be an array of finite"):
        _example(1, np.ones((1, 1), complex))
    with pytest.raises(ConfigError, match=r"^name='c': expected 'a' or 'b', or None"):
        _example(1, [[1.0]], name="c")


def test_a_declaration_of_no_parameter_is_refused() -> None:
    with pytest.raises(TypeError, match="width"):
        checked(width=size())(lambda: None)


@pytest.mark.parametrize(
    ("kind", "good"),
    [
        (size(), [1, np.int32(7)]),
        (real(), [0, -1.5, np.float32(2)]),
        (array(1, "iu", empty=True), [[], [1], np.arange(3)]),
        (sequence(size(), 2), [[1, 2], (1, 2, 3), np.arange(1, 4)]),
        (either(real(), word("auto")), [1.0, "auto"]),
    ],
)
def test_a_kind_accepts_what_is_right_and_none_of_what_it_calls_wrong(kind: Kind, good: list[Any]) -> None:
    assert all(kind.accepts(value) for value in good)
    assert not any(kind.accepts(value) for value in kind.wrong)
