"""What the parameters of public callables may be, declared once: checked at the call, and read by tests to break it.

A declaration is data. The decorator :func:`checked` refuses what it does not accept, with one error of ours; a test
takes from it the values that have to be refused.
"""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Any, TypeVar, cast

import numpy as np

from hybrid_train.errors import ConfigError, DataError, HybridTrainError
from hybrid_train.support.checks import is_finite_number
from hybrid_train.support.messages import quoted

F = TypeVar("F", bound=Callable[..., Any])

DECLARED = "__declared__"
"""Where a checked callable keeps its declarations, parameter -> kind."""

_MOST = 1 << 48
_NAN, _HUGE = float("nan"), 10**400
_NO_NUMBERS: tuple[Any, ...] = (
    None,
    True,
    "nonsense",
    "",
    _NAN,
    float("inf"),
    -float("inf"),
    _HUGE,
    1j,
    b"x",
    [],
    [1],
    {},
    int,
)


@dataclass(frozen=True, eq=False)
class Kind:
    """What a parameter may be.

    Attributes:
        expected: ends the message, "must be a finite number".
        accepts: whether a value is of this kind.
        wrong: values that are not, one for each way to go wrong.
        error: what is raised.
        each: what every entry of a list must be, for a message that names the first that is not.
        here: whether the decorator checks; otherwise the body of the function does, and says more.
    """

    expected: str
    accepts: Callable[[Any], bool]
    wrong: tuple[Any, ...]
    error: type[HybridTrainError] = ConfigError
    each: Kind | None = None
    here: bool = True

    def check(self, value: Any, name: str) -> None:
        """Raise this kind's error unless ``value`` is of this kind."""
        if not self.accepts(value):
            if self.each is not None and isinstance(value, list | tuple):
                for number, entry in enumerate(value):
                    self.each.check(entry, f"{name}[{number}]")
            raise self.error(f"{name}={shown(value)}: {self.expected}")


def checked(**kinds: Kind) -> Callable[[F], F]:
    """Return a decorator that checks the arguments given to a function, or to the ``__init__`` of a class.

    Defaults are not checked, nor is anything that is called once per step worth decorating.
    """

    def decorate(function: F) -> F:
        if isinstance(function, type):
            constructor = decorate(cast(Any, function).__init__)
            cast(Any, function).__init__ = constructor
            return function
        code = cast(FunctionType, inspect.unwrap(function)).__code__
        names = code.co_varnames[: code.co_argcount]
        unknown = kinds.keys() - set(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
        if unknown:
            raise TypeError(f"{code.co_qualname}: no parameters {sorted(unknown)}")
        here = {name: kind for name, kind in kinds.items() if kind.here}
        if not here:
            setattr(function, DECLARED, kinds)
            return function

        @functools.wraps(function)
        def call(*args: Any, **options: Any) -> Any:
            for name, value in zip(names, args, strict=False):
                if name in here:
                    here[name].check(value, name)
            for name, value in options.items():
                if name in here:
                    here[name].check(value, name)
            return function(*args, **options)

        setattr(call, DECLARED, kinds)
        return cast(F, call)

    return decorate


def declared(function: Callable[..., Any]) -> dict[str, Kind]:
    """Return what is declared for the parameters of a function, a method or a class; empty if nothing is."""
    found = cast(Any, function).__init__ if isinstance(function, type) else function
    return dict(getattr(found, DECLARED, {}))


def whole(least: int, most: int | None = None) -> Kind:
    """An integer of at least ``least`` and at most ``most``."""

    def accepts(value: Any) -> bool:
        is_whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        return is_whole and value >= least and (most is None or value <= most)

    beyond = (least - 1,) if most is None else (least - 1, most + 1)
    limits = f"an integer of at least {least}" + ("" if most is None else f" and at most {most}")
    others = tuple(value for value in _NO_NUMBERS if value is not _HUGE)
    return Kind(f"must be {limits}", accepts, (*others, 1.5, *beyond))


def wholes(least: int) -> Kind:
    """An integer of at least ``least``, or an array of them of any shape."""
    one = whole(least)

    def accepts(value: Any) -> bool:
        return isinstance(value, list | np.ndarray) or one.accepts(value)

    return replace(one, accepts=accepts, wrong=tuple(value for value in one.wrong if not accepts(value)))


def real(*, above: float | None = None, least: float | None = None, below: float | None = None) -> Kind:
    """A finite number, larger than ``above``, at least ``least`` and smaller than ``below`` where these are given."""

    def accepts(value: Any) -> bool:
        if not is_finite_number(value):
            return False
        low = (above is None or value > above) and (least is None or value >= least)
        return low and (below is None or value < below)

    limits, beyond = [], []
    if above is not None:
        limits, beyond = [f"above {above:g}"], [above, above - 1.0]
    if least is not None:
        limits, beyond = [*limits, f"of at least {least:g}"], [*beyond, least - 0.5]
    if below is not None:
        limits, beyond = [*limits, f"below {below:g}"], [*beyond, below, below + 1.0]
    return Kind(" ".join(["must be a finite number", " and ".join(limits)]).strip(), accepts, (*_NO_NUMBERS, *beyond))


def whole_number() -> Kind:
    """An integer of any sign and size."""

    def accepts(value: Any) -> bool:
        return isinstance(value, int | np.integer) and not isinstance(value, bool)

    wrong = tuple(value for value in _NO_NUMBERS if value is not _HUGE)
    return Kind("must be an integer", accepts, (*wrong, 1.5))


def function() -> Kind:
    """Something that can be called."""
    wrong: tuple[Any, ...] = (None, 1, _NAN, "nonsense", b"x", [], {})
    return Kind("must be a function", callable, wrong)


def rates() -> Kind:
    """A table of the probabilities of a noisy machine's faults."""

    def accepts(value: Any) -> bool:
        known = isinstance(value, Mapping) and value and value.keys() <= {"depolarizing", "readout"}
        return bool(known) and all(is_finite_number(rate) and 0.0 <= rate < 1.0 for rate in value.values())

    bad = [{"readout": rate} for rate in (None, True, "x", _NAN, -0.1, 1.0, 2)]
    wrong: tuple[Any, ...] = (1, _NAN, "nonsense", b"x", [], {}, int, {"nonsense": 0.1}, {1: 0.1}, *bad)
    return Kind("must be a table of probabilities, depolarizing and readout", accepts, wrong)


def pair() -> Kind:
    """(X, y): a tuple or a list of two."""

    def accepts(value: Any) -> bool:
        return isinstance(value, tuple | list) and len(value) == 2

    ones = np.ones((2, 2))
    wrong: tuple[Any, ...] = (1, _NAN, "ab", b"xy", [], {}, int, (ones,), (ones, ones, ones), (ones, None), ("a", "b"))
    return Kind("must be a pair (X, y)", accepts, (*wrong, (np.full((2, 2), _NAN), np.ones(2))))


def limit() -> Kind:
    """What can be compared with: a number, an infinity, or NaN, which nothing is above."""

    def accepts(value: Any) -> bool:
        return is_finite_number(value) or isinstance(value, float | np.floating)

    return Kind("must be a number", accepts, tuple(value for value in _NO_NUMBERS if not accepts(value)))


def size(most: int = _MOST) -> Kind:
    """How many of something there are: at least one, and no more than an array can have, or than ``most``."""
    return whole(1, most)


def seed_number() -> Kind:
    """What random numbers are drawn from: an integer of at least 0, of any size."""
    return whole(0)


def proportion() -> Kind:
    """A number strictly between 0 and 1."""
    wrong: tuple[Any, ...] = (*_NO_NUMBERS, 0, 1.0, -0.5, 1.5)
    return Kind("must lie strictly between 0 and 1", lambda value: is_finite_number(value) and 0.0 < value < 1.0, wrong)


def share() -> Kind:
    """A number from 0 to 1, both included."""
    return Kind(
        "must lie from 0 to 1",
        lambda value: is_finite_number(value) and 0.0 <= value <= 1.0,
        (*_NO_NUMBERS, -0.5, 1.5),
    )


def flag() -> Kind:
    """True or False."""
    wrong: tuple[Any, ...] = (None, 2, "yes", _NAN, [], {})
    return Kind("must be True or False", lambda value: isinstance(value, bool | np.bool_), wrong)


def text() -> Kind:
    """A string."""
    wrong: tuple[Any, ...] = (None, 1, 1.5, b"x", [], ["a"], {})
    return Kind("must be a string", lambda value: isinstance(value, str), wrong)


def word(*words: str) -> Kind:
    """One of a few strings."""
    wrong: tuple[Any, ...] = (None, 1, _NAN, "nonsense", "", b"x", [], [words[0]], {}, words[0] + " ")
    known = " or ".join(map(repr, words))
    return Kind(f"expected {known}", lambda value: isinstance(value, str) and value in words, wrong)


def name_of(what: str) -> Kind:
    """The name of something registered: a string here; whether it is known, the body says, with the nearest one."""
    wrong: tuple[Any, ...] = (None, 1, _NAN, "nonsense", "", b"x", [], ["a"], {}, np.full((2, 2), _NAN))
    return Kind(f"must be the name of a {what}, a string", lambda value: isinstance(value, str), wrong)


def path() -> Kind:
    """The path of a file or a folder."""

    def accepts(value: Any) -> bool:
        given = os.fspath(value) if isinstance(value, str | os.PathLike) else None
        return isinstance(given, str) and bool(given) and "\0" not in given

    wrong: tuple[Any, ...] = (None, 1, True, 1.5, "", "a\0b", b"x", [], ["a"], {})
    return Kind("must be the path of a file or a folder, a string or a Path", accepts, wrong)


def an(*types: type, called: str = "") -> Kind:
    """An instance of one of these classes."""
    expected = called or " or ".join(f"a {one.__name__}" for one in types)
    wrong: tuple[Any, ...] = (None, 1, _NAN, "nonsense", b"x", [], {}, int, *types)
    return Kind(f"must be {expected}", lambda value: isinstance(value, types), wrong)


def named(name: str) -> Kind:
    """An instance of a class of another library that need not be loaded to tell: any of its bases has this name."""
    wrong: tuple[Any, ...] = (None, 1, _NAN, "nonsense", b"x", [], {}, int)
    return Kind(
        f"expected a Qiskit {name}", lambda value: any(base.__name__ == name for base in type(value).__mro__), wrong
    )


def names(of: Kind) -> Kind:
    """A list of at least one name."""
    return replace(sequence(of), expected="expected a list of at least one name")


def sequence(of: Kind, least: int = 1) -> Kind:
    """A list or a tuple of at least so many entries, or a one-dimensional array of them."""

    def accepts(value: Any) -> bool:
        fits = isinstance(value, np.ndarray) and value.ndim == 1
        if not (fits or (isinstance(value, Sequence) and not isinstance(value, str | bytes))):
            return False
        return len(value) >= least and all(map(of.accepts, value))

    short: tuple[Any, ...] = ([],) if least else ()
    wrong: tuple[Any, ...] = (
        None,
        1,
        _NAN,
        "nonsense",
        b"x",
        {},
        int,
        {1},
        *short,
        *([bad] * max(1, least) for bad in of.wrong),
    )
    each = of.expected.removeprefix("must be ")
    return Kind(f"must be a list of at least {least}, each {each}", accepts, wrong, each=of)


def array(ndim: int, numbers: str = "fiu", *, finite: bool = True, like: bool = True, empty: bool = False) -> Kind:
    """An array of real numbers with so many axes.

    Args:
        ndim: axes.
        numbers: kinds of dtypes, as NumPy abbreviates them.
        finite: whether NaN and infinity are refused, for which every number is looked at.
        like: whether nested lists are as good.
        empty: whether it may be without entries.
    """

    def accepts(value: Any) -> bool:
        try:
            given = np.asarray(value) if like else value
        except (TypeError, ValueError, OverflowError):
            return False
        if not isinstance(given, np.ndarray) or given.ndim != ndim or not (empty or given.size):
            return False
        return (not given.size or given.dtype.kind in numbers) and not (finite and not np.isfinite(given).all())

    shape = (2,) * ndim
    wrong: list[Any] = [
        None,
        [[1.0], [1.0, 2.0]],
        "nonsense",
        b"x",
        {},
        int,
        1.5,
        np.ones((1,) * (ndim + 1)),
        np.full(shape, "a"),
    ]
    wrong += [np.ones(shape, complex), np.full(shape, None)]
    wrong += [np.full(shape, bad) for bad in (_NAN, float("inf")) if finite and "f" in numbers]
    wrong += [] if empty else [np.empty((0,) * ndim)]
    wrong += [] if "f" in numbers else [np.ones(shape)]
    named = "integers" if "f" not in numbers else "finite numbers" if finite else "numbers"
    return Kind(f"must be an array of {named} with {ndim} axes", accepts, tuple(wrong), DataError)


def optional(kind: Kind) -> Kind:
    """None, or what ``kind`` says."""
    return replace(
        kind,
        expected=f"{kind.expected}, or None",
        accepts=lambda value: value is None or kind.accepts(value),
        wrong=tuple(value for value in kind.wrong if value is not None),
    )


def either(*kinds: Kind) -> Kind:
    """What any of these kinds accepts."""

    def accepts(value: Any) -> bool:
        return any(kind.accepts(value) for kind in kinds)

    expected = ", or ".join(kind.expected for kind in kinds)
    wrong: tuple[Any, ...] = tuple(value for kind in kinds for value in kind.wrong if not accepts(value))
    return replace(kinds[0], expected=expected, accepts=accepts, wrong=wrong)


def datum(kind: Kind) -> Kind:
    """Say that a wrong value is one of the numbers handed in, a DataError, not an option."""
    return replace(kind, error=DataError)


def inside(kind: Kind) -> Kind:
    """Leave the check to the body of the function, which says more; tests still hold it to ``kind``."""
    return replace(kind, here=False)


def shown(value: Any) -> str:
    """Return a value for a message: an array by its dtype and shape, anything else shortened."""
    if isinstance(value, np.ndarray):
        return f"<array of {value.dtype}, shape {value.shape}>"
    return quoted(value)
