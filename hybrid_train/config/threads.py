"""A run uses the threads that its config allows, whoever starts it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from hybrid_train.config.load import ConfigSource, load_config
from hybrid_train.support.parallel import threads

F = TypeVar("F", bound=Callable[..., Any])


def in_its_threads(function: F) -> F:
    """Let a function of a config work with ``run.threads`` threads.

    Args:
        function: its first argument is the config, in any of the forms :func:`load_config` takes; it gets it loaded.
    """

    @wraps(function)
    def within(config: ConfigSource, *arguments: Any, **options: Any) -> Any:
        valid = load_config(config)
        with threads(valid.run.threads):
            return function(valid, *arguments, **options)

    return cast(F, within)
