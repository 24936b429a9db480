"""The checker accepts what finders prove, and refuses proofs of which one entry is another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hybrid_train.finder.registry import make_finder
from hybrid_train.proofs.checker import Checker, RefutedError, inner
from hybrid_train.support.kernels import dot
from tests.support.banks import KINDS
from tests.support.proving import PROVERS, Record, proven, refuted

CALM = [kind for kind in KINDS if kind != "overflowing"]


@pytest.mark.parametrize(("name", "options"), PROVERS)
@pytest.mark.parametrize("seed", range(3))
def test_proofs_of_all_finders_hold(name: str, options: dict[str, Any], seed: int) -> None:
    kind = CALM[(seed * 7 + len(name)) % len(CALM)]
    records = proven(name, options, kind, seed)
    assert len(records) >= 4
    assert not refuted(records)


def test_the_deciding_inner_product_is_that_of_the_finders() -> None:
    rng = np.random.default_rng(0)
    for dimension in (1, 7, 8, 9, 31, 64):
        p, q = rng.standard_normal((2, 50, dimension))
        assert inner(p, q).tolist() == [dot(a, b) for a, b in zip(p, q, strict=True)]


def _last(records: list[Record]) -> Record:
    return next(record for record in reversed(records) if len(record["pairs"]))


def _unlist(records: list[Record]) -> None:
    record = _last(records)
    record["pairs"] = record["pairs"][1:]


def _list_another(records: list[Record]) -> None:
    record, size = _last(records), len(records[0]["points"])
    have = {tuple(pair) for pair in record["pairs"].tolist()}
    more = next((int(q), p) for q in record["asked"] for p in range(size) if (int(q), p) not in have)
    pairs = np.array(sorted({*have, more}))
    record["pairs"] = pairs


def _raise_threshold(records: list[Record]) -> None:
    records[0]["threshold"] = records[0]["threshold"] + 1e3


def _lower_threshold(records: list[Record]) -> None:
    records[0]["threshold"] = records[0]["threshold"] - 1e3


@pytest.mark.parametrize(("name", "options"), PROVERS)
@pytest.mark.parametrize("falsify", [_unlist, _list_another, _raise_threshold, _lower_threshold])
def test_a_false_answer_is_refuted(name: str, options: dict[str, Any], falsify: Callable[[list[Record]], None]) -> None:
    records = next(
        found
        for found in (proven(name, options, "gaussian", seed) for seed in range(50))
        if any(0 < len(one["pairs"]) < len(one["asked"]) * len(found[0]["points"]) for one in found[1:])
        and len(_last(found)["pairs"]) < len(_last(found)["asked"]) * len(found[0]["points"])
    )
    assert not refuted(records)
    falsify(records)
    # a quantum search does not look at what it does not measure: that its threshold is the run's, ``verify`` checks
    assert refuted(records) == (name != "grover" or falsify is not _lower_threshold)


def _found(name: str, options: dict[str, Any], wanted: Callable[[Record], bool]) -> tuple[list[Record], Record]:
    for seed in range(200):
        records = proven(name, options, "gaussian", seed)
        for record in records[1:]:
            if wanted(record):
                return records, record
    raise AssertionError("no such record")


def test_nearest_must_be_what_it_says() -> None:
    records, record = _found("scan", {}, lambda one: len(one["asked"]) > 0 and bool(np.isfinite(one["nearest"]).any()))
    at = int(np.flatnonzero(np.isfinite(record["nearest"]))[0])
    record["nearest"][at] = np.nextafter(record["nearest"][at], -np.inf)
    assert refuted(records)


@pytest.mark.parametrize("entry", ["bound", "high", "members", "ranges"])
def test_boxes_must_hold_their_members_and_bounds(entry: str) -> None:
    records, record = _found("hsr", {"leaf_size": 2}, lambda one: len(one["cut"]) > 0)
    match entry:
        case "bound":
            record["bound"][0] = np.nextafter(record["bound"][0], -np.inf)
        case "high":
            record["high"][record["cut"][0, 1]] -= 1e6
        case "members":
            record["members"][0] = record["members"][-1]
        case "ranges":
            record["ranges"][record["cut"][0, 1], 1] += 10**6
    assert refuted(records)


@pytest.mark.parametrize("entry", ["gap", "lists", "scanned"])
def test_lists_must_hold_what_is_near(entry: str) -> None:
    def wanted(one: Record) -> bool:
        return bool(one["afresh"]) and bool(np.isfinite(one["gap"]).any()) and len(one["lists"]) > 0

    records, record = _found("skin", {}, wanted)
    match entry:
        case "gap":
            finite = np.flatnonzero(np.isfinite(record["gap"]))
            record["gap"][finite] = record["gap"][finite] + 1e3
        case "lists":
            full = int(np.flatnonzero(np.diff(record["list_starts"]))[0])
            record["lists"] = np.delete(record["lists"], record["list_starts"][full])
            record["list_starts"][full + 1 :] -= 1
        case "scanned":
            record["scanned"] = record["scanned"][:-1]
    assert refuted(records)


@pytest.mark.parametrize("entry", ["share", "found", "iterations", "round", "miss", "calls", "run_ends"])
def test_schedules_must_be_long_enough_for_what_they_promise(entry: str) -> None:
    def wanted(one: Record) -> bool:
        return "iterations" in one and len(one["iterations"]) > 0 and bool((one["miss"] > 0).any())

    records, record = _found("grover", {"engine": "closed_form"}, wanted)
    certificate = int(np.flatnonzero(record["miss"] > 0)[-1])
    match entry:
        case "share":
            record["share"] = record["share"] * 1e7
        case "iterations":
            record["calls"] = record["calls"] - record["iterations"][certificate]
            record["iterations"][certificate] = 0
        case "round":  # one short of the fewest that keep the promise
            record["calls"] = record["calls"] - 1
            record["iterations"][certificate] -= 1
        case "miss":
            record["miss"][certificate] = 0.9
        case "found":
            record["found"] = record["found"] + 1
        case "calls":
            record["calls"] = record["calls"] + 1
        case "run_ends":
            record["run_ends"] = record["run_ends"][:-1]
    assert refuted(records)


@pytest.mark.parametrize("entry", ["phase", "hit", "iterations"])
def test_what_rules_a_count_out_must_do_so(entry: str) -> None:
    """A certificate that has to find more than one item only, after a run that would have found a single one."""

    def wanted(one: Record) -> bool:
        return "phase" in one and any(one["phase"][at - 2] and one["miss"][at - 1] for at in one["run_ends"].tolist())

    records, record = _found("grover", {"engine": "closed_form"}, wanted)
    at = next(at - 2 for at in record["run_ends"].tolist() if record["phase"][at - 2] and record["miss"][at - 1])
    match entry:
        case "phase":
            record["phase"][at] *= 0.9
        case "hit":
            record["hit"][at] = True
        case "iterations":
            record["calls"] = record["calls"] - 1
            record["iterations"][at] -= 1
    assert refuted(records)


def test_delta_is_for_all_answers_together() -> None:
    records = proven("grover", {"engine": "closed_form"}, "gaussian", 3)
    asked = [at for at, record in enumerate(records) if at and len(record["asked"])]
    assert len(asked) >= 2
    for at in asked:  # no single one has more than delta
        share = records[at]["share"]
        records[at]["share"] = share * (0.6 * records[0]["delta"] / share.sum())
    assert not refuted(records[: asked[0] + 1])
    assert refuted(records)


NOTHING_MOVED: Record = {
    "moved_points": np.empty(0, np.int64),
    "moved_queries": np.empty(0, np.int64),
    "points": np.empty((0, 1)),
    "queries": np.empty((0, 1)),
}


def _by_hand(points: list[float], query: float) -> tuple[Record, Record]:
    """Banks of dimension 1 with b = 1, and a record of an answer that lists nothing."""
    start = {"points": np.array(points)[:, None], "queries": np.array([[query]]), "threshold": 1.0, "delta": 0.0}
    return start, NOTHING_MOVED | {"asked": np.array([0]), "pairs": np.empty((0, 2), np.int64)}


@pytest.mark.parametrize(("box", "wrong"), [((0.0, 0.9), False), ((0.0, 0.4), True), ((0.5, 0.9), True)])
def test_a_point_outside_its_box_is_not_ruled_out_with_it(box: tuple[float, float], wrong: bool) -> None:
    start, answer = _by_hand([0.0, 0.9], 1.0)
    reason = {
        "reason": "boxes",
        "members": np.array([0, 1]),
        "ranges": np.array([[0, 2]]),
        "low": np.array([[box[0]]]),
        "high": np.array([[box[1]]]),
        "cut": np.array([[0, 0]]),
        "bound": np.array([box[1]]),
    }
    assert refuted([start, answer | reason]) == wrong


@pytest.mark.parametrize("bank", ["points", "queries"])
@pytest.mark.parametrize(("where", "wrong"), [(0.1, False), (5.0, True)])
def test_a_gap_holds_only_as_far_as_its_row_went(bank: str, where: float, wrong: bool) -> None:
    start, answer = _by_hand([0.0, 0.0], 0.1)
    lists = answer | {
        "reason": "lists",
        "side": bank,
        "afresh": True,
        "scanned": np.arange(len(start[bank])),
        "gap": np.full(len(start[bank]), 0.9),
        "list_starts": np.zeros(len(start[bank]) + 1, np.int64),
        "lists": np.empty(0, np.int64),
    }
    later = lists | {
        f"moved_{bank}": np.array([0]),
        bank: np.array([[where]]),
        "afresh": False,
        "scanned": np.empty(0, np.int64),
        "gap": np.empty(0),
        "list_starts": np.zeros(1, np.int64),
    }
    if bank == "queries":  # its distances are in units of the points, which are not to be zero
        start["points"] = np.full((2, 1), 0.1)
    assert not refuted([start, lists])
    assert refuted([start, lists, later]) == wrong


@pytest.mark.parametrize(("name", "options"), PROVERS)
def test_a_query_is_asked_once(name: str, options: dict[str, Any]) -> None:
    """Twice the same entry for one query: whatever else an answer says, it is refused."""
    records, record = _found(name, options, lambda one: len(one["asked"]) > 0)
    checker = Checker(records[0])
    for before in records[1:]:
        if before is record:
            break
        checker.check(before)
    with pytest.raises(RefutedError, match="asked twice"):
        checker.check(record | {"asked": np.append(record["asked"], record["asked"][0])})


def test_a_search_may_miss_with_its_own_share_alone() -> None:
    """What one query gives up, another may not take: all together stay as they are."""
    records, record = _found("grover", {"engine": "closed_form"}, lambda one: len(one["asked"]) > 1)
    share, ends = record["share"], record["run_ends"]
    at = next(k for k, end in enumerate(ends.tolist()) if record["miss"][end - 1] > 0)
    other = 1 if at == 0 else 0
    taken = 0.5 * share[at]
    share[at], share[other] = share[at] - taken, share[other] + taken
    assert refuted(records)


def searched_with_an_ancilla() -> list[Record]:
    """Return the proof of one answer in which nothing fires, of a search over 100 points."""
    rng = np.random.default_rng(4)
    points, queries = rng.standard_normal((100, 3)), rng.standard_normal((2, 3))
    finder = make_finder("grover", strategy="monitored", engine="closed_form", delta=0.01)
    finder.plan(seed=np.random.SeedSequence(1), total_queries=2)
    finder.prepare_proofs()
    finder.build(points, queries, 100.0)
    proof = finder.proof(finder.find())
    none = np.empty(0, np.int64)
    moves = {f"moved_{name}": none for name in ("points", "queries")} | dict.fromkeys(
        ("points", "queries"), none[:, None]
    )
    start = {"points": points, "queries": queries, "threshold": np.array(100.0), "delta": np.array(0.01)}
    answer = {"asked": np.arange(2), "pairs": np.empty((0, 2), np.int64), "reason": np.array(proof.reason)}
    return [start, moves | answer | {name: value.copy() for name, value in proof.arrays.items()}]


@pytest.mark.parametrize("entry", ["", "length", "first", "damping", "miss"])
def test_monitored_runs_must_certify_for_every_number_of_items(entry: str) -> None:
    records = searched_with_an_ancilla()
    record = records[1]
    certificate = int(np.flatnonzero(record["miss"] > 0)[-1])
    assert record["stages"][certificate, :, 1].all()
    match entry:
        case "length":
            record["stages"][certificate, 1, 0] -= 10
        case "first":
            record["first"] = np.array(1.0)
        case "damping":
            record["stages"][certificate, 0, 1] *= 0.5
        case "miss":
            record["miss"][certificate] *= 0.5
    assert refuted(records) == bool(entry)
