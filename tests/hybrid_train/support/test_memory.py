import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from hybrid_train.errors import ResourceError
from hybrid_train.support import memory


def test_some_memory_is_available() -> None:
    assert 0 < memory.available_bytes() < 1 << 62


def test_file_pages_that_the_kernel_gives_up_are_free(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("5000000\n")
    (tmp_path / "memory.current").write_text("3000000\n")
    (tmp_path / "memory.stat").write_text("anon 2500000\ninactive_file 500000\n")
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    assert memory.available_bytes() == 2_500_000


@pytest.mark.parametrize(
    ("limit", "used"),
    [
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ],
)
def test_control_group_limit_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, limit: Any, used: Any) -> None:
    for name, content in ((limit, "5000\n"), (used, "1200\n")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    assert memory.available_bytes() == 3800


def test_unlimited_control_group_counts_for_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("1200\n")
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=7 * 1024))
    assert memory.available_bytes() == 7 * 1024


def test_a_system_without_sysconf_and_proc_is_asked_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delattr(os, "sysconf")
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    assert memory.available_bytes() == pytest.approx(psutil.virtual_memory().available, rel=0.5)


def test_what_does_not_fit_is_refused_with_both_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_bytes", lambda: 3 << 20)
    memory.check_memory(3 << 20, "a thing", "take less")
    with pytest.raises(ResourceError, match=r"^a thing: needed 1\.5 GiB, available 3 MiB; take less$"):
        memory.check_memory(1.5 * 2**30, "a thing", "take less")
    with pytest.raises(ResourceError, match=r"^a thing: needed 3145729 bytes, available 3145728 bytes; take less$"):
        memory.check_memory((3 << 20) + 1, "a thing", "take less")


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (5 << 20, "5 MiB"), (1e15, "9.31e+05 GiB")],
)
def test_sizes_are_said_in_their_unit(count: float, words: str) -> None:
    assert memory.in_words(count) == words
