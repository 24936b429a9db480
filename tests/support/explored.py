"""A plugin for pytest that says how much ``make explore`` has explored."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.support.histories import played

_of_workers: Counter[str] = Counter()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the counts of a worker over."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["played"] = dict(played)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: Any) -> None:
    """Add what a worker has counted."""
    _of_workers.update(getattr(node, "workeroutput", {}).get("played", {}))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the counts."""
    counts = played + _of_workers
    terminalreporter.write_line(f"explored {counts['sequences']} sequences and {counts['runs']} whole runs")
