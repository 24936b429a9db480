"""How many processors this process may use: the least of what everybody says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hybrid_train.support import processors
from hybrid_train.support.processors import usable_processors


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A machine of 16 processors where nothing is limited yet."""
    monkeypatch.setattr(os, "cpu_count", lambda: 16)
    monkeypatch.setattr(os, "process_cpu_count", lambda: 16, raising=False)
    for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(processors, "_CGROUP", tmp_path)
    monkeypatch.setattr(processors, "_OWN_GROUPS", tmp_path / "own")
    processors._quota.cache_clear()
    yield tmp_path
    processors._quota.cache_clear()


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="ascii")


def test_without_limits_all_processors_count() -> None:
    assert usable_processors() == 16


def test_the_affinity_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "process_cpu_count", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1, 5, 7}, raising=False)
    assert usable_processors() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    assert usable_processors() == 16


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"cpu.max": "250000 100000\n"}, 3),
        ({"cpu.max": "max 100000\n"}, 16),
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"cpu.max": "damaged"}, 16),
        ({"own": "0::/a/b\n", "a/cpu.max": "200000 100000\n", "a/b/cpu.max": "max 100000\n"}, 2),
        ({"own": "0::/a/b\n", "a/cpu.max": "400000 100000\n", "cpu.max": "700000 100000\n"}, 4),
        ({"cpu/cpu.cfs_quota_us": "150000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 2),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 16),
        (
            {
                "own": "4:memory:/m\n3:cpuacct,cpu:/a\n",
                "cpu/a/cpu.cfs_quota_us": "300000\n",
                "cpu/a/cpu.cfs_period_us": "100000\n",
                "cpu/m/cpu.cfs_quota_us": "100000\n",
                "cpu/m/cpu.cfs_period_us": "100000\n",
            },
            3,
        ),
    ],
)
def test_the_time_of_the_control_groups_counts(machine: Path, files: dict[str, str], expected: int) -> None:
    write(machine, files)
    assert usable_processors() == expected


@pytest.mark.parametrize(("wish", "expected"), [("3", 3), ("4,2", 4), ("0", 16), ("-2", 16), ("many", 16), ("99", 16)])
@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", "NUMBA_NUM_THREADS"])
def test_the_users_wish_counts(monkeypatch: pytest.MonkeyPatch, name: str, wish: str, expected: int) -> None:
    monkeypatch.setenv(name, wish)
    assert usable_processors() == expected
