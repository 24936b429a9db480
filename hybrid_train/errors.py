"""The errors a user can meet, and the one that means a bug of ours."""

from __future__ import annotations

from typing import Any


class HybridTrainError(Exception):
    """Base of every error this package raises on purpose."""


class ConfigError(HybridTrainError, ValueError):
    """An option, a config key or a combination of them is not valid."""


class DataError(HybridTrainError, ValueError):
    """The numbers handed in do not fit: wrong shape, not finite, empty, labels of the wrong kind."""


class ResourceError(HybridTrainError, RuntimeError):
    """What was asked for does not fit this machine; the message names needed and available amounts."""


class DivergenceError(HybridTrainError, ArithmeticError):
    """Training left the finite numbers; the learning rate is too large."""


class CheckpointError(HybridTrainError, RuntimeError):
    """A results directory cannot be read back or written to."""


class UnwrittenError(CheckpointError):
    """A result was worked out and cannot be written: a full disk, for instance.

    Attributes:
        result: what the call would have returned.
    """

    def __init__(self, reason: str, result: Any = None) -> None:
        super().__init__(reason)
        self.result = result


class PluginError(HybridTrainError, RuntimeError):
    """A finder of another distribution failed or answered wrongly; the message names it, the cause is its own error."""


class InvariantError(HybridTrainError, RuntimeError):
    """Something the code itself guarantees did not hold: a bug in this package, please report it."""


def is_interruption(error: BaseException) -> bool:
    """Return whether this is Ctrl-C, bare or as compiled code passes it on (a SystemError caused by it)."""
    return isinstance(error, KeyboardInterrupt) or (
        isinstance(error, SystemError) and isinstance(error.__cause__, KeyboardInterrupt)
    )


def one_line(error: BaseException) -> str:
    """Return an exception as one line, naming its type unless it is an error made for users."""
    if is_interruption(error):
        return "interrupted"
    text = " ".join(str(error).split())
    return text if isinstance(error, HybridTrainError) and text else f"{type(error).__name__}: {text}"
