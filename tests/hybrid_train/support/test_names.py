"""Suggestions for mistyped names."""

from __future__ import annotations

from hybrid_train.support.names import nearest


def test_the_nearest_name_is_suggested_and_nothing_far_off() -> None:
    assert nearest("grovr", ["scan", "grover"]) == ", did you mean 'grover'?"
    assert nearest("grovr", {"scan": 1, "grover": 2}) == ", did you mean 'grover'?"
    assert not nearest("quux", ["scan", "grover"])
    assert not nearest("scan", [])
