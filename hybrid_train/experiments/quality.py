"""How good every number of a document is: exact, expected, a bound, or sampled; or given, as a setting is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, Literal

from hybrid_train.finder.cost import SimulationCost

Quality = Literal["given", "exact", "expected", "bound", "sampled"]
"""A setting; counted, or certain; a mean or leading term by closed form; proven never to be exceeded, or claimed so by
the papers; by random trials: one, a mean over several, or fitted to such means."""

_BY_CHANCE = (
    *("oracle_calls", "bit_oracle_uses", "verifications", "measurements", "controlled_calls", "mid_measurements"),
    *("finder_s", "wall_s"),
)
"""What another seed, or another run on the clock, would give otherwise."""

RUN: dict[str, Quality] = {
    **dict.fromkeys(("rows[].steps", "rows[].returned_step", "rows[].learning_rate", "rows[].held_out_steps"), "given"),
    **dict.fromkeys((f"rows[].{name}" for name in _BY_CHANCE), "sampled"),
    **dict.fromkeys((f"rows[].cost_per_step.{name}" for name in _BY_CHANCE), "sampled"),
    **dict.fromkeys((f"rows[].simulation.{field.name}" for field in fields(SimulationCost)), "sampled"),
    "rows[].*": "exact",
    **dict.fromkeys(("fired.width", "fired.threshold"), "given"),
    "fired.expected": "expected",
    "fired.bound": "bound",
    "fired.*": "exact",
}
"""Of ``run`` and ``compare``: what was counted and computed of the runs that were made."""

_ESTIMATES = ("losses", "clean_losses")

ESTIMATED: dict[str, Quality] = RUN | dict.fromkeys((f"rows[].{name}" for name in _ESTIMATES), "sampled")
"""The same where a step sees a batch of the data alone."""


def qualities(flags: Mapping[str, Quality], document: Mapping[str, Any]) -> dict[str, Quality]:
    """Return the flags of the numbers that a document has, by their paths.

    Args:
        flags: by path; one that ends in ``.*`` is for all below it that has no line of its own.
        document: of a command.
    """
    return {path: flag for path in number_paths(document) if (flag := _flag(flags, path)) is not None}


def number_paths(document: Any, path: str = "") -> dict[str, None]:
    """Return the paths of all numbers of a document, ``rows[].m`` for one, in their order."""
    return dict.fromkeys(_numbers(document, path))


def _numbers(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _numbers(part, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _numbers(part, f"{path}[]" if isinstance(part, Mapping) else path)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path


def _flag(flags: Mapping[str, Quality], path: str) -> Quality | None:
    if path in flags:
        return flags[path]
    return next((flag for key, flag in flags.items() if key.endswith(".*") and path.startswith(key[:-1])), None)


def quality_text(flags: Mapping[str, str]) -> str:
    """Return one line for people, of columns by their names: ``sampled: calls, missed; expected: predicted``."""
    kinds = dict.fromkeys(flags.values())
    return "; ".join(f"{kind}: {', '.join(name for name, one in flags.items() if one == kind)}" for kind in kinds)
