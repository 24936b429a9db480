"""Which runs a sweep has: every combination of the values of its grid, with every seed."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from hybrid_train.config import Config, load_config
from hybrid_train.errors import ConfigError
from hybrid_train.experiments.results import plain_config
from hybrid_train.support.files import json_text
from hybrid_train.support.messages import listed, quoted

MOST_RUNS = 100_000
SEED = "run.seed"


@final
@dataclass(frozen=True, eq=False)
class Planned:
    """A run to come.

    Attributes:
        identity: hash of its config, seed included, but for the threads, on which no result depends.
        config: valid.
        values: of the keys of the grid.
    """

    identity: str
    config: Config
    values: dict[str, Any]

    @property
    def seed(self) -> int:
        """Return the root of all that the run draws."""
        return self.config.run.seed


def parse_grid(texts: Sequence[str]) -> dict[str, list[str]]:
    """Return the values of each key of ``key=a,b,c``; a comma within brackets or quotes belongs to its value.

    Raises:
        ConfigError: not of that form, a key twice, or ``run.seed``, which has an option of its own.
    """
    grid: dict[str, list[str]] = {}
    for text in texts:
        key, equals, values = text.partition("=")
        key, found = key.strip(), _parted(values)
        if not equals or not key or not all(found):
            raise ConfigError(f"--grid {quoted(text)}: expected key=a,b,c, such as network.width=256,1024")
        if key in grid or key == SEED:
            raise ConfigError(f"--grid {quoted(text)}: {'name each key once' if key in grid else 'use --seeds'}")
        grid[key] = list(dict.fromkeys(found))
    return grid


def parse_seeds(text: str) -> list[int]:
    """Return the seeds of ``0..9``, a comma list, or both.

    Raises:
        ConfigError: not of that form, or too many.
    """
    seeds: list[int] = []
    for part in (piece.strip() for piece in text.split(",")):
        first, dots, last = part.partition("..")
        if not (first.isdecimal() and (last.isdecimal() or not dots)) or len(part) > 40:
            raise ConfigError(f"seeds={quoted(text)}: expected 0..9, or a comma list of whole numbers")
        low, high = int(first), int(last if dots else first)
        if high < low or high - low >= MOST_RUNS:
            raise ConfigError(f"seeds={quoted(text)}: expected a range upwards, of at most {MOST_RUNS} seeds")
        seeds += range(low, high + 1)
    return list(dict.fromkeys(seeds))


def planned(source: Config, grid: Mapping[str, Sequence[str]], seeds: Sequence[int]) -> list[Planned]:
    """Return the runs of a sweep, the last key of the grid and then the seeds running fastest.

    Raises:
        ConfigError: a combination is not valid; a line for each error, named by its values.
    """
    size = len(seeds)
    for values in grid.values():
        size *= len(values)
    if not 0 < size <= MOST_RUNS:
        raise ConfigError(f"grid: {size} runs, expected 1 to {MOST_RUNS}; take fewer values or seeds")
    plan: dict[str, Planned] = {}
    errors: dict[str, None] = {}
    for values in itertools.product(*grid.values()):
        settings = [f"{key}={value}" for key, value in zip(grid, values, strict=True)]
        for seed in seeds:
            try:
                config = load_config(source, [*settings, f"{SEED}={seed}"])
            except ConfigError as error:
                where = f"--grid {' '.join(settings)}: " if settings else ""
                errors |= dict.fromkeys(where + line for line in str(error).split("\n"))
                break
            one = Planned(identity_of(config), config, {key: _value(config, key) for key in grid})
            plan.setdefault(one.identity, one)
    if errors:
        raise ConfigError(listed(list(errors)))
    return list(plan.values())


def identity_of(config: Config) -> str:
    """Return the hash of a config by which its run is known."""
    plain = json_text(_sorted(plain_config(config)))
    return hashlib.sha256(plain.encode("utf-8")).hexdigest()[:32]


def _sorted(value: Any) -> Any:
    return {key: _sorted(value[key]) for key in sorted(value)} if isinstance(value, dict) else value


def _value(config: Config, key: str) -> Any:
    found: Any = config.as_dict()
    for part in key.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found if isinstance(found, str | int | float | bool | None) else str(found)


def _parted(text: str) -> list[str]:
    """Part a text at the commas that stand in no bracket and no quotes."""
    parts, depth, quote = [""], 0, ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character in "[{":
            depth += 1
        elif character in "]}":
            depth -= 1
        if character == "," and depth == 0 and not quote:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]
