"""Certificates of one row, term by term: what must be counted as spent or in doubt, and what need not be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from classical.lists import kernels as compiled
from classical.lists.layout import SETTLED, SPENT, STALE, Lists, Rule, Steps

RULE = Rule(threshold=1.0, sway=0.0, rounding=0.0, speck=0.0, eps=0.0, bank_speck=0.0, ceiling=np.inf, accuracy=np.inf)


def row(*, inner: float = 0.0, reach: float = 10.0, gap: float = np.inf, error: float = 0.0) -> Lists:
    """One settled row with one column in its list."""
    one = np.ones(1, np.int64)
    return Lists(
        start=0 * one,
        size=one.copy(),
        fired=0 * one,
        drift=np.zeros(1),
        reach=np.full(1, reach),
        gap=np.full(1, gap),
        error=np.full(1, error),
        todo=np.full(1, SETTLED, np.uint8),
        column=np.zeros(1, np.int32),
        inner=np.full(1, inner),
    )


def follow(lists: Lists, rule: Rule, step: float, norm: float = 1.0) -> int:
    """Move the row by ``step`` along its column, of this norm; return its status."""
    steps = Steps(np.zeros(1, np.int64), np.array([0, 1]), np.zeros(1, np.int64), np.array([step]))
    compiled.follow(lists, rule, steps, np.array([[norm * norm]]), np.array([norm]), 0, 1)
    return int(lists.todo[0])


@pytest.mark.parametrize(
    ("rule", "need"),
    [
        ({}, 0.5),
        ({"rounding": 1e-3}, 0.5 + 1e-3 * 10.5),
        ({"sway": 0.01}, 0.5 + 0.01 * 10.5),
        ({"sway": 0.01, "rounding": 1e-2}, 0.5 + 0.105 + 1e-2 * (10.5 + 0.105)),
        ({"speck": 0.02}, 0.52),
    ],
)
def test_a_row_is_spent_when_drift_sway_and_rounding_have_used_up_its_gap(rule: dict[str, float], need: float) -> None:
    for gap, status in ((need * (1 - 1e-9), SPENT), (need * (1 + 1e-9), STALE)):
        lists = row(gap=gap)
        compiled.advance(lists, RULE._replace(**rule), np.zeros(1, np.int64), np.array([0.5]))
        assert lists.todo[0] == status
        lists.todo[0], lists.drift[0] = SETTLED, 0.5
        spent = compiled.columns_moved(lists, RULE._replace(**rule), np.array([True]), 0, 1)
        assert (lists.todo[0], spent) == (status, status == SPENT)


@pytest.mark.parametrize("odd", [{"reach": np.inf}, {"reach": np.nan}, {"gap": np.nan}, {"reach": 1e10}])
def test_a_row_of_which_nothing_is_known_is_spent(odd: dict[str, float]) -> None:
    lists = row(**odd)
    compiled.advance(lists, RULE._replace(ceiling=1e9), np.zeros(1, np.int64), np.array([0.0]))
    assert lists.todo[0] == SPENT


@pytest.mark.parametrize("norm", [1.0, 4.0])
@pytest.mark.parametrize("rounding", [1e-3, 1e-6])
@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_a_followed_product_within_its_rounding_of_the_threshold_is_in_doubt(
    norm: float, rounding: float, side: float
) -> None:
    """Its own rounding and that of the deciding product, 2 rounding ||p|| ||q||, are the least there is."""
    rule, step = RULE._replace(rounding=rounding), 1e-9
    least = 2 * rounding * 10.0 * norm
    for distance, status in ((0.99 * least, STALE), (1.01 * least + 1e-6, SETTLED)):
        lists = row(inner=1.0 + side * distance - step * norm * norm)
        assert follow(lists, rule, step, norm) == status


@pytest.mark.parametrize(
    ("rule", "error", "least"),
    [({}, 0.01, 0.01), ({"eps": 1e-3}, 0.0, 1e-2), ({"bank_speck": 1e-3}, 0.0, 9e-3), ({"speck": 1e-3}, 0.0, 1e-3)],
)
def test_what_was_lost_before_and_in_storing_is_in_doubt_as_well(
    rule: dict[str, float], error: float, least: float
) -> None:
    for distance, status in ((0.99 * least, STALE), (3 * least, SETTLED)):
        lists = row(inner=1.0 + distance, error=error)
        assert follow(lists, RULE._replace(**rule), 1e-12) == status
        assert lists.error[0] >= least


def test_errors_add_up_until_the_list_is_evaluated() -> None:
    lists, rule = row(inner=0.0), RULE._replace(rounding=1e-3, eps=1e-6)
    errors: list[float] = []
    for _ in range(3):
        follow(lists, rule, 0.1)
        errors.append(float(lists.error[0]))
    assert np.allclose(np.diff(errors), errors[0], rtol=0.2)
    vectors, columns = np.array([[2.0]]), np.array([[1.0]])
    evaluated, deviation = compiled.evaluate(lists, 1.0, np.zeros(1, np.int64), vectors, columns, True, 0, 1)
    assert (evaluated, deviation) == (1, pytest.approx(2.0 - 0.3))
    assert (lists.error[0], lists.fired[0], lists.inner[0], lists.todo[0]) == (0.0, 1, 2.0, SETTLED)


def test_a_row_that_is_too_inaccurate_to_report_is_evaluated() -> None:
    for accuracy, status in ((1e-9, STALE), (1.0, SETTLED)):
        assert follow(row(), RULE._replace(rounding=1e-6, accuracy=accuracy), 0.1) == status


def test_only_rows_that_were_followed_are_refreshed() -> None:
    for error, status in ((0.0, SETTLED), (1e-12, STALE)):
        lists = row(error=error)
        compiled.followed(lists, 0, 1)
        assert lists.todo[0] == status


def test_a_column_that_moves_makes_those_rows_stale_that_list_it() -> None:
    lists: Any = row()
    assert compiled.columns_moved(lists, RULE, np.array([False]), 0, 1) == 0
    assert lists.todo[0] == SETTLED
    compiled.columns_moved(lists, RULE, np.array([True]), 0, 1)
    assert lists.todo[0] == STALE


def test_statuses_are_in_order_of_work() -> None:
    assert 0 == SETTLED < STALE < SPENT
