"""How good every number of a study is: exact, expected, a bound, or sampled; or given, as a setting is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

Quality = Literal["given", "exact", "expected", "bound", "sampled"]
"""A setting; counted, or certain; a mean or leading term by closed form; proven never to be exceeded, or claimed so by
the papers; a mean over random trials, or fitted to such means."""

_SAMPLED = (
    *("oracle_calls", "bit_oracle_uses", "mid_measurements", "certificate_calls", "verifications", "inner_products"),
    "missed",
)

COUNT: dict[str, Quality] = {
    **dict.fromkeys(("rows[].m", "rows[].items", "rows[].searches", "rows[].trials", "rows[].delta"), "given"),
    "rows[].k": "expected",
    "rows[].newcomers": "sampled",
    **dict.fromkeys((f"rows[].{name}_mean" for name in ("oracle_calls", "until_last_hit", "total_calls")), "sampled"),
    **dict.fromkeys((f"rows[].{name}_sem" for name in ("oracle_calls", "until_last_hit", "total_calls")), "sampled"),
    **dict.fromkeys((f"rows[].{name}_mean" for name in _SAMPLED[1:5]), "sampled"),
    "rows[].missed": "sampled",
    "rows[].scan": "exact",
    "rows[].van_dam": "bound",
    "rows[].predicted": "expected",
    "rows[].predicted_within": "bound",
    "rows[].reference_known_k": "expected",
    "rows[].paper_m_9_10": "bound",
    "rows[].true_k_line": "bound",
    "rows[].first_total_calls_mean": "sampled",
    "rows[].later_searches": "expected",
    "rows[].later_total_calls_mean": "sampled",
    "rows[].empty_share": "expected",
    "rows[].empty_calls_mean": "sampled",
    "rows[].lemma_g6_calls": "bound",
    "fits[].*": "sampled",
}
"""Of ``count``."""

ALONG: dict[str, Quality] = {
    "rows[].step": "given",
    **dict.fromkeys((f"rows[].{name}" for name in ("queries", "searches", "active", "newcomers", "scan")), "exact"),
    **dict.fromkeys((f"rows[].{name}" for name in _SAMPLED), "sampled"),
    "totals[].scan": "exact",
    **dict.fromkeys((f"totals[].{name}" for name in (*_SAMPLED, "fewer_than_printed")), "sampled"),
}
"""Of ``count --along``: the sets are those of a run, the searches are played."""

CROSSOVER: dict[str, Quality] = {
    **dict.fromkeys(("rows[].width", "rows[].growth", "rows[].rival_growth", "curves.*", "laws.*"), "sampled"),
    "physical[].*": "sampled",
    **dict.fromkeys(("widths", "counted_widths.*"), "given"),
}
"""Of ``crossover``: all of it is extrapolated from searches and trainings that were counted."""

RESOURCES: dict[str, Quality] = {
    **dict.fromkeys(("search.delta", "search.threshold"), "given"),
    **dict.fromkeys(("search.fired", "search.oracle_calls", "search.certificate_calls"), "expected"),
    **dict.fromkeys(("search.memory_operations", "search.toffoli", "search.digits.*"), "expected"),
    **dict.fromkeys(("search.scan_inner_products", "search.scan_operations"), "exact"),
    **dict.fromkeys(("search.rotation_precision", "search.advantage_cap"), "bound"),
    **dict.fromkeys(("pairs.index_qubits", "pairs.logical_qubits"), "exact"),
    "pairs.*": "expected",
    "physical[].*": "expected",
    "logical_counts.*": "expected",
}
"""Of ``resources``, whose rows say it each for themselves."""


def qualities(flags: Mapping[str, Quality], document: Mapping[str, Any]) -> dict[str, Quality]:
    """Return the flags of the numbers that a document has, by their paths.

    Args:
        flags: by path; one that ends in ``.*`` is for all below it that has no line of its own.
        document: of a study.
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
