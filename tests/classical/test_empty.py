from __future__ import annotations

import numpy as np
import pytest

from classical.empty import EmptyFinder
from hybrid_train.errors import DataError
from hybrid_train.finder import APPROXIMATE
from hybrid_train.finder.cost import Cost


def test_finds_nothing_at_no_cost() -> None:
    finder = EmptyFinder()
    finder.build(np.ones((4, 2)), np.ones((3, 2)), -1.0)
    sets = finder.find()
    assert (sets.nnz, sets.shape, sets.rows.tolist()) == (0, (3, 4), [0, 1, 2])
    assert finder.find([2, 0]).rows.tolist() == [2, 0]
    assert finder.cost == Cost()
    assert finder.promise == APPROXIMATE


def test_checks_what_it_is_told_like_any_finder() -> None:
    finder = EmptyFinder()
    with pytest.raises(DataError, match="dimension"):
        finder.build(np.ones((4, 2)), np.ones((3, 3)), 0.0)
    finder.build(np.ones((4, 2)), np.ones((3, 2)), 0.0)
    with pytest.raises(DataError, match="points"):
        finder.move_points([4], np.ones((1, 2)))
    with pytest.raises(DataError, match="queries"):
        finder.move_queries([0], np.full((1, 2), np.nan))
    with pytest.raises(DataError, match="queries"):
        finder.find([7])
