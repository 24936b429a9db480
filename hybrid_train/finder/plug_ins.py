"""Finders of other distributions: announced by an entry point, and named in every error that is theirs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, wraps
from importlib.metadata import EntryPoint
from types import new_class
from typing import Any

import numpy as np

from hybrid_train.errors import ConfigError, HybridTrainError, InvariantError, PluginError, is_interruption
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.cost import Cost, SimulationCost
from hybrid_train.finder.interface import ActiveSetFinder, Promise
from hybrid_train.support.messages import printable

_SHAPE = "_hybrid_train_shape"
"""Where a finder keeps (queries, points), beside its own attributes."""


@dataclass(frozen=True)
class PlugIn:
    """A finder of another distribution.

    Attributes:
        name: what it is registered as.
        place: "module:Class".
        distribution: name and version of who brings it; empty if unknown.
    """

    name: str
    place: str
    distribution: str = ""

    def __str__(self) -> str:
        return printable(f"finder {self.name!r} ({self.place}{self._of})")

    @property
    def _of(self) -> str:
        return f" of {self.distribution}" if self.distribution else ""

    def load(self) -> type[ActiveSetFinder]:
        """Return the class, whose methods name the plug-in when they fail.

        Raises:
            ConfigError: it cannot be imported, whatever the reason, or is not an ActiveSetFinder.
        """
        try:
            cls = EntryPoint(self.name, self.place, "").load()
        except (Exception, SystemExit) as error:  # a module may fail in any way while it is imported
            if is_interruption(error):
                raise
            raise ConfigError(self._unloadable(_told(error))) from error
        if not (isinstance(cls, type) and issubclass(cls, ActiveSetFinder)):
            raise ConfigError(self._unloadable("it is not an ActiveSetFinder"))
        if missing := sorted(getattr(cls, "__abstractmethods__", ())):
            raise ConfigError(self._unloadable(f"it does not define {', '.join(missing)}"))
        with self.named("the making of its class", ConfigError):
            return _naming(cls, self)

    def _unloadable(self, reason: str) -> str:
        return printable(f"finder.kind={self.name!r}: cannot load {self.place}{self._of}: {reason}")

    @contextmanager
    def named(self, action: str, kind: type[HybridTrainError] = PluginError) -> Iterator[None]:
        """Turn every error but those made for users, Ctrl-C and want of memory into one that names the plug-in.

        Args:
            action: what it is asked to do.
            kind: the error to raise.
        """
        try:
            yield
        except Exception as error:
            ours = isinstance(error, HybridTrainError | MemoryError) and not isinstance(error, InvariantError)
            if ours or is_interruption(error):
                raise
            raise kind(f"{self} failed in {action}: {printable(_told(error))}") from error


def plug_ins(points: Iterable[EntryPoint]) -> dict[str, list[PlugIn]]:
    """Return the finders that entry points announce, by name; of a name that several claim, all."""
    found: dict[str, list[PlugIn]] = {}
    for point in points:
        plug_in = PlugIn(point.name, point.value, f"{point.dist.name} {point.dist.version}" if point.dist else "")
        claims = found.setdefault(point.name, [])
        if plug_in not in claims:
            claims.append(plug_in)
    return found


@cache
def _naming(cls: type[ActiveSetFinder], plug_in: PlugIn) -> type[ActiveSetFinder]:
    """Return a subclass that does the same, and names the plug-in when one of our methods fails or answers wrongly."""
    checks = {"build": _check_built, "find": _check_answer}
    hooks = {
        name: getattr(cls, name)
        for base in cls.__mro__
        if base.__module__.partition(".")[0] == "hybrid_train"
        for name, member in vars(base).items()
        if inspect.isfunction(member) and not name.startswith("_")
    }
    body: dict[str, Any] = {name: _named_method(hook, plug_in, checks.get(name)) for name, hook in hooks.items()}

    def promise(finder: ActiveSetFinder) -> Promise:
        original: Any = super(named, finder)
        with plug_in.named("promise"):
            given = original.promise
        if not isinstance(given, Promise):
            raise PluginError(f"{plug_in}: promise is {type(given).__name__}, expected a Promise")
        return given

    def reduced(finder: ActiveSetFinder, protocol: int) -> tuple[Any, ...]:
        original: Any = super(named, finder)
        made, given, *state = original.__reduce_ex__(protocol)
        return (_made_again, (plug_in, made, tuple(cls if item is named else item for item in given)), *state)

    body |= {
        "promise": property(promise),
        "__reduce_ex__": reduced,
        "__module__": cls.__module__,
        "__doc__": cls.__doc__,
    }
    named: type[ActiveSetFinder] = new_class(cls.__name__, (cls,), exec_body=lambda space: space.update(body))
    return named


def _made_again(plug_in: PlugIn, made: Callable[..., ActiveSetFinder], given: tuple[Any, ...]) -> ActiveSetFinder:
    """Return a finder out of a pickle; its class is no module's attribute."""
    finder = made(*given)
    finder.__class__ = _naming(type(finder), plug_in)
    return finder


def _named_method(
    method: Callable[..., Any], plug_in: PlugIn, check: Callable[[ActiveSetFinder, tuple[Any, ...], Any], str] | None
) -> Callable[..., Any]:
    @wraps(method)
    def asked(finder: ActiveSetFinder, *given: Any, **options: Any) -> Any:
        with plug_in.named(method.__name__):
            answer = method(finder, *given, **options)
        if check is not None and (wrong := check(finder, given, answer)):
            raise PluginError(f"{plug_in}: {wrong}")
        return answer

    return asked


def _check_built(finder: ActiveSetFinder, given: tuple[Any, ...], answer: object) -> str:
    if len(given) > 1:
        setattr(finder, _SHAPE, (len(given[1]), len(given[0])))
    for name, kind in (("cost", Cost), ("simulation", SimulationCost)):
        if not isinstance(getattr(finder, name, None), kind):
            return f"has no {name} after build; call super().__init__() in its __init__, and set a {kind.__name__}"
    return ""


def _check_answer(finder: ActiveSetFinder, given: tuple[Any, ...], answer: object) -> str:
    """Return what is wrong with an answer that compiled code will read by index."""
    if not isinstance(answer, ActiveSets):
        return f"find returned {type(answer).__name__}, expected ActiveSets"
    shape = getattr(finder, _SHAPE, answer.shape)
    if answer.shape != shape:
        return f"find returned sets of shape {answer.shape}, expected (queries, points) = {shape}"
    rows, others = (0, 1) if answer.major == "query" else (1, 0)
    for indices, size in ((answer.rows, shape[rows]), (answer.indices, shape[others])):
        if len(indices) and not (np.min(indices) >= 0 and np.max(indices) < size):
            return f"find returned sets with an index outside [0, {size})"
    return ""


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
