"""Options: what is no number is said in a line, what has no effect is refused by name."""

from __future__ import annotations

import argparse

import pytest

from hybrid_train.cli.options import given, refuse, refuse_settings
from hybrid_train.errors import ConfigError
from tests.support.commands import error_lines


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["count", "--seed", "x"], "--seed: 'x' given, expected a whole number"),
        (["count", "--trials", "1.5"], "--trials: '1.5' given, expected a whole number"),
        (["count", "--delta", ""], "--delta: '' given, expected a number"),
        (["count", "--seed", "9" * 5000], "expected a whole number"),
        (["count", "--out", ""], "--out: '' given, expected a path"),
        (["run", ""], "'' given, expected a path"),
        (["resources", "--width", "4", "--dim", "2", "--bits", "two"], "--bits: 'two' given"),
    ],
)
def test_a_value_of_the_wrong_kind_is_a_short_line(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (line,) = error_lines(arguments, capsys)
    assert words in line
    assert len(line) < 230


def test_options_without_effect_are_each_named() -> None:
    options = argparse.Namespace(query_bits=3, n=None, seed=0)
    assert given(options, ("query_bits", "n", "seed")) == {"query_bits": 3, "seed": 0}
    refuse(options, {"n": "why"})
    with pytest.raises(ConfigError) as caught:
        refuse(options, {"query_bits": "why", "n": "why", "seed": "so"})
    assert str(caught.value).split("\n") == ["--query-bits 3: no effect: why", "--seed 0: no effect: so"]


def test_settings_are_named_by_section_or_key() -> None:
    settings = ["run.seed=1", "finders.hsr.leaf_size=3", "finder.kind=hsr"]
    with pytest.raises(ConfigError) as caught:
        refuse_settings(settings, {"finders": "why", "run.seed": "so", "run.audit_every": "-"})
    assert len(str(caught.value).split("\n")) == 2
    refuse_settings(settings, {"fin": "a beginning is not a name", "training": "-"})
