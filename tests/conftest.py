"""What all tests share: how Hypothesis is set, and that nothing is skipped where libraries are compared with."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from hypothesis import settings

from tests.support import exploring

# the first call of a kernel compiles it, so time limits per example would only measure the compiler
settings.register_profile("project", deadline=None)
exploring.register()
settings.load_profile("project")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Under ``-m peers`` a test that is skipped has failed: its library is missing."""
    report = yield
    if report.skipped and _must_run(item.config):
        report.outcome = "failed"
        report.longrepr = f"skipped under -m peers: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Likewise a file that cannot be collected without its library."""
    report = yield
    if report.skipped and _must_run(collector.config):
        report.outcome = "failed"
        report.longrepr = f"skipped under -m peers: {report.longrepr}"
    return report


def _must_run(config: pytest.Config) -> bool:
    return str(config.getoption("markexpr")) == "peers"
