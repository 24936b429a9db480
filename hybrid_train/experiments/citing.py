"""What to cite for a run: BibTeX of exactly what it uses, read off the finders' own words about their sources."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from circuits.strategies import DEFAULT_STRATEGY, STRATEGIES
from hybrid_train.config import Config
from hybrid_train.config.deep_networks import DeepSection
from hybrid_train.config.linearised_networks import LinearisedSection
from hybrid_train.finder.registry import finder_class
from hybrid_train.support.registry import load_class

_ENTRY = re.compile(r"(?=^@)", re.MULTILINE)
_KEY = re.compile(r"^  key = \{(.*)\},\n", re.MULTILINE)
_OTHER = re.compile(r"[^A-Za-z0-9_-]")
_OWN_WORDS = re.compile("This package")
_TABLES = {"digits", "breast_cancer", "wine", "iris", "diabetes"}


def bibtex(config: Config, finders: Sequence[str] = ()) -> str:
    """Return BibTeX of this program and of what a config uses: algorithm, network, finders, strategy, simulator, data.

    Args:
        config: valid.
        finders: those of a comparison, in the place of the config's own.
    """
    keys: dict[str, None] = dict.fromkeys(["program", *_training_keys(config)])
    more: list[str] = []
    for kind in finders or [config.finder.kind]:
        options = config.finder.options if kind == config.finder.kind else config.finders.get(kind, {})
        for source, name in _sources(kind, options):
            found = _named_in(source)
            keys |= dict.fromkeys(found)
            if source and not found and not _OWN_WORDS.match(source):
                more.append(_plain_entry(name, source))
        if kind == "grover" and options.get("engine", "aer") == "aer":
            keys["qiskit"] = None
    return _joined(keys, more)


def bibtex_of_strategies(strategies: Sequence[str]) -> str:
    """Return BibTeX of this program and of search strategies that are counted without training."""
    keys: dict[str, None] = dict.fromkeys(["program", "Song, Yang, Zhang"])
    for name in strategies:
        if name in STRATEGIES:
            keys |= dict.fromkeys(_named_in(load_class(name, STRATEGIES, "strategy").source))
    return _joined(keys, [])


def _training_keys(config: Config) -> Iterator[str]:
    """Yield the papers of network and algorithm, of the optimiser, the adversary, and who gives the data."""
    deep = isinstance(config.network, DeepSection)
    if config.training.algorithm != "gd":
        yield config.training.algorithm
    elif isinstance(config.network, LinearisedSection):
        yield "sgd"
    elif not deep:
        yield "Song, Yang, Zhang"
    if deep:
        yield "deep"
    if config.training.optimiser == "adam":
        yield "adam"
    if config.adversary is not None:
        yield config.adversary.kind
    if config.data.kind in _TABLES:
        yield "scikit-learn"


def _sources(kind: str, options: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield where a finder comes from in its own words, with a name; of a quantum search its strategy alone."""
    if kind != "grover":
        yield str(finder_class(kind).source), kind
        return
    yield "Song, Yang, Zhang 2021", kind
    yield load_class(options.get("strategy", DEFAULT_STRATEGY), STRATEGIES, "strategy").source, kind


def _named_in(source: str) -> list[str]:
    """Return the keys of the references whose authors a text names, as "A, B 1998" or "A, B: Title"."""
    ends = r"(?= \d{4}|:|, [A-Z]\w+ [a-z])"
    return [
        key for key in _references() if key[0].isupper() and re.search(rf"(?<!\w)(?<!, ){re.escape(key)}{ends}", source)
    ]


def _plain_entry(name: str, source: str) -> str:
    """Return an entry for a finder of somebody else, in its own words."""
    words = " ".join(source.split()).replace("\\", "/").replace("{", "(").replace("}", ")")
    plain = _OTHER.sub("_", name)
    return f"@misc{{finder_{plain},\n  title = {{Finder {plain}}},\n  note = {{{words}}},\n}}"


def _joined(keys: dict[str, None], more: Sequence[str]) -> str:
    known = _references()
    return "\n".join([*(known[key] for key in keys if key in known), *more])


@cache
def _references() -> dict[str, str]:
    """Return all references, by what they are known by here."""
    text = files("hybrid_train.experiments").joinpath("references.bib").read_text(encoding="utf-8")
    found = {}
    for entry in _ENTRY.split(text):
        if (match := _KEY.search(entry)) is not None:
            found[match[1]] = _KEY.sub("", entry).rstrip()
    return found
