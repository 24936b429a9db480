"""Long work, and work beside other work: memory, threads and descriptors stay flat, and answers stay the same."""

from __future__ import annotations

import gc
import multiprocessing
import multiprocessing.connection
import os
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import psutil
import pytest

import circuits
import hybrid_train

TIMES = int(os.environ.get("HYBRID_TRAIN_ENDURANCE", "400"))
"""Steps and searches; ``make endurance`` takes ten thousand."""

TABLES: dict[str, Any] = {
    "data": {"kind": "sphere", "n": 12, "dim": 4},
    "network": {"width": 256},
    "training": {"steps": 5},
    "run": {"seed": 3},
}
KINDS = ["scan", "hsr", "skin", "auto", "grover"]
MEBIBYTE = 1 << 20


def _tables(kind: str, steps: int = 5) -> dict[str, Any]:
    options = {"engine": "closed_form", "strategy": "warm"} if kind == "grover" else {}
    return TABLES | {"finder": {"kind": kind} | options, "training": {"steps": steps}}


def _losses(kind: str) -> list[float]:
    return hybrid_train.run(_tables(kind)).losses


def _held() -> np.ndarray[Any, Any]:
    """Return bytes, threads and descriptors of this process."""
    gc.collect()
    process = psutil.Process()
    return np.array([process.memory_info().rss, process.num_threads(), process.num_fds()])


def _growth(work: Callable[[int], object], times: int) -> tuple[float, int, int]:
    """Return what a second round of work adds, in bytes for each time, and in threads and descriptors."""
    work(max(times // 4, 50))
    before = _held()
    work(times)
    after = _held() - before
    return float(after[0]) / times, int(after[1]), int(after[2])


def _training(times: int) -> None:
    hybrid_train.run(_tables("grover", times))


def _searching(times: int) -> None:
    for seed in range(times):
        found = circuits.find_all([1, 5], 8, engine="aer", seed=seed)
        assert found.items.tolist() == [1, 5]


@pytest.mark.slow
@pytest.mark.parametrize("work", [_training, _searching])
def test_long_work_holds_no_more_than_short(work: Callable[[int], object]) -> None:
    times = TIMES if work is _training else max(TIMES // 4, 60) if TIMES < 10_000 else TIMES
    growth, threads, descriptors = _growth(work, times)
    room = 16 * MEBIBYTE / times
    assert growth < max(room, 1000.0), f"{growth:.0f} bytes for each of {times}"
    assert threads <= 1
    assert descriptors == 0
    print(f"{times} times {work.__name__}: {growth:.0f} bytes each, {threads} threads, {descriptors} descriptors more")


def test_what_leaks_would_be_noticed() -> None:
    held: list[bytes] = []
    growth, _, _ = _growth(lambda times: held.extend(os.urandom(1 << 19) for _ in range(times)), 400)
    assert growth > 16 * MEBIBYTE / 400


@pytest.mark.parametrize("kind", KINDS)
def test_several_threads_train_as_one_does(kind: str) -> None:
    expected = _losses(kind)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(_losses, [kind] * 8))
    if kind == "auto":  # it goes by the clock, which may choose another way with other last bits
        assert np.allclose(found, expected, rtol=1e-9)
    else:
        assert found == [expected] * 8


def test_several_threads_ask_finders_of_their_own() -> None:
    points, queries = np.random.default_rng(0).normal(size=(2, 300, 4))

    def answer(number: int) -> Any:
        kind = ["scan", "hsr", "skin", "correlation_tree"][number % 4]
        finder = hybrid_train.make_finder(kind, seed=number)
        finder.build(points, queries, 1.0)
        return finder.find()

    truth = hybrid_train.active_pairs(points, queries, 1.0)
    with ThreadPoolExecutor(4) as pool:
        assert all(sets.same_sets(truth) for sets in pool.map(answer, range(16)))


def _forked(work: Callable[[], Any]) -> Any:
    """Return what work comes to in a forked child, which has a minute."""
    outlet, inlet = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(outlet)
            with os.fdopen(inlet, "wb") as stream:
                pickle.dump(work(), stream)
        finally:
            os._exit(0)
    os.close(inlet)
    with os.fdopen(outlet, "rb") as stream:
        alive = multiprocessing.connection.wait([stream.fileno()], 60)
        if not alive:
            os.kill(child, 9)
        data = stream.read()
    os.waitpid(child, 0)
    assert alive, "the child hangs"
    return pickle.loads(data)


@pytest.mark.filterwarnings("ignore:.*fork")
@pytest.mark.parametrize("kind", KINDS)
def test_a_forked_child_trains_as_its_parent(kind: str) -> None:
    wide = _tables(kind) | {
        "network": {"width": 1 << 14 if kind != "grover" else 256},
        "data": {**TABLES["data"], "n": 64},
    }
    expected = hybrid_train.run(wide).losses  # with every thread that the parent has
    assert np.allclose(_forked(lambda: hybrid_train.run(wide).losses), expected, rtol=1e-9)
    assert np.allclose(hybrid_train.run(wide).losses, expected, rtol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["spawn", "forkserver"])
def test_a_process_of_its_own_trains_the_same(way: str) -> None:
    with multiprocessing.get_context(way).Pool(2) as pool:
        assert pool.map(_losses, ["scan", "grover"]) == [_losses("scan"), _losses("grover")]


@pytest.mark.filterwarnings("ignore:.*fork")
def test_a_forked_child_goes_on_with_the_finder_of_its_parent() -> None:
    points, queries = np.random.default_rng(1).normal(size=(2, 4000, 5))
    for kind in ("scan", "hsr", "skin"):
        finder = hybrid_train.make_finder(kind, seed=0)
        finder.build(points, queries[:50], 1.5)
        truth = finder.find()
        assert _forked(lambda finder=finder: finder.find().indices.tolist()) == truth.indices.tolist()
        assert finder.find().same_sets(truth)
