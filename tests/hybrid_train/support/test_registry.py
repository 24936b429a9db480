from __future__ import annotations

from fractions import Fraction

import pytest

from hybrid_train.errors import ConfigError
from hybrid_train.support.registry import load, load_class

KINDS = {"fraction": "fractions:Fraction", "gone": "fractions:Gone", "lost": "no_such_module:X", "call": "math:sqrt"}


def test_a_class_is_imported_when_asked_for() -> None:
    assert load_class("fraction", KINDS, "kind") is Fraction
    assert load("fraction", KINDS, "kind", numerator=3, denominator=None) == 3


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("fracton", "kind='fracton': expected one of fraction, gone, lost, call, did you mean 'fraction'"),
        ("gone", "kind='gone': cannot load fractions:Gone"),
        ("lost", "kind='lost': cannot load no_such_module:X"),
        ("call", "kind='call': math:sqrt is not a class"),
    ],
)
def test_what_cannot_be_loaded_is_named(name: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load(name, KINDS, "kind")


def test_options_it_does_not_have_are_refused() -> None:
    with pytest.raises(ConfigError, match="size=3: kind='fraction' has no size"):
        load("fraction", KINDS, "kind", size=3)
