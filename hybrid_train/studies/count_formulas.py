"""The closed forms beside counted oracle calls, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

KNOWN_K = "sum over k' = k..1 of min over j of (j + 1) / sin^2((2 j + 1) asin sqrt(k' / N)), about 1.38 sqrt(N k)"
CERTIFICATE = "(1/2) ln(2 / sqrt(delta)) sqrt(N) iterations of the fixed point, so that none is left"

_STRATEGIES = {
    "known_k": f"{KNOWN_K}, less the measurements",
    "exact": "sum over k' = k..1 of floor((pi/2 - t) / (2 t)) + 1, t = asin sqrt(k' / N): about (pi/2) sqrt(N k)",
    "bbht": "the Markov chain of the cap on run lengths, growth g after a miss; then the certificate",
    "coupon": "draws with replacement until only old items come, about H_k times those of k; then the certificate",
    "fixed_point": "the chances of all run lengths followed find by find; then the certificate",
    "counting": "the runs of the estimate, then known_k for what is left, then the end of adaptive",
    "adaptive": "known_k, then the runs of a search in which nothing is marked, certificate included",
    "monitored": "known_k, then the runs of a search in which nothing is marked: mostly one that certifies",
    "warm": "as adaptive, for the newcomers alone",
}
"""What ``predicted`` is, by strategy."""

_LINES = {
    "k": "k = m Q(b), b = sqrt(0.4 ln m), Q the upper tail of N(0, 1) (PRE Lemma 3.8 bounds it)",
    "scan": "N evaluations a search",
    "m^(9/10)": "the papers' bound with k = m^(4/5) (PRE Corollary G.1)",
    "sqrt(mk)": "sqrt(N k) with the true k",
    "known k": f"{KNOWN_K}; measurements included",
    "certificate": CERTIFICATE,
}
_DATA = {
    "sqrt(mk)": "m sqrt(n n Q(b)): every neuron with the mean number of its data",
    "Lemma G.6": "sum over neurons of sqrt(n k_r): 0 for one that no datum fires, which takes sqrt(n) all the same",
    "fired": "later steps ask m (1 - (1 - Q(b))^n) neurons",
}


def formulas(rows: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the closed forms that stand in these rows: their names, and what they are.

    Args:
        rows: of ``count``.
        options: that they were counted with.
    """
    lines = {"N": _items(options)} | _LINES
    if options["index"] == "data" and options["scope"] == "query":
        lines |= _DATA
    names = dict.fromkeys(row["strategy"] for row in rows)
    told = {f"predicted: {name}": _STRATEGIES.get(name, "see Strategy.expected_iterations") for name in names}
    return [{"name": name, "formula": text} for name, text in (lines | told).items()]


def _items(options: Mapping[str, Any]) -> str:
    if options["scope"] == "pairs":
        return "N = n m pairs in one search, n k of them marked"
    return "N = m neurons in a search" if options["index"] == "neurons" else "N = n data in each of m searches"
