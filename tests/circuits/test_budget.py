import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits.budget import DeltaBudget


@given(
    delta=st.floats(1e-12, 0.99),
    planned=st.none() | st.integers(1, 200),
    takes=st.lists(st.integers(0, 300), max_size=8),
)
def test_shares_never_exceed_delta(delta: Any, planned: Any, takes: Any) -> None:
    budget = DeltaBudget(delta, planned)
    shares = np.concatenate([[0.0], *(budget.take(count) for count in takes)])
    assert math.fsum(shares) <= delta * (1.0 + 1e-12)
    assert (shares[1:] > 0.0).all()


@given(st.none() | st.integers(1, 50), st.integers(0, 100), st.integers(0, 100))
def test_grouping_of_queries_changes_nothing(planned: Any, first: Any, second: Any) -> None:
    together = DeltaBudget(0.1, planned).take(first + second)
    budget = DeltaBudget(0.1, planned)
    np.testing.assert_array_equal(np.concatenate([budget.take(first), budget.take(second)]), together)


def test_planned_queries_share_half_and_the_rest_follows() -> None:
    shares = DeltaBudget(0.4, 4).take(7)
    assert shares == pytest.approx([0.05] * 4 + [0.1, 0.4 / 12, 0.4 / 24])
