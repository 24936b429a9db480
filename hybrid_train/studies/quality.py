"""How good every number of a study is."""

from __future__ import annotations

from hybrid_train.experiments.quality import Quality

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
