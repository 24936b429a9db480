from __future__ import annotations

import io
import sys

import pytest

from hybrid_train.support.progress import announced, with_progress


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("terminal", "shown", "drawn"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_a_bar_is_drawn_only_where_wanted_and_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, shown: bool, drawn: bool
) -> None:
    stream = _Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    assert list(with_progress(iter("abc"), 3, "neurons-scan", shown=shown)) == ["a", "b", "c"]
    assert ("neurons-scan" in stream.getvalue()) == drawn


@pytest.mark.parametrize(("terminal", "shown"), [(True, True), (True, False), (False, True)])
def test_a_line_is_shown_meanwhile_and_cleared(monkeypatch: pytest.MonkeyPatch, terminal: bool, shown: bool) -> None:
    stream = _Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with announced("preparing", shown=shown):
        assert stream.getvalue() == ("preparing ..." if terminal and shown else "")
    assert stream.getvalue().endswith("\033[K") == (terminal and shown)
