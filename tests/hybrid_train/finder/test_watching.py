"""What all finders of this distribution refuse alike."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from classical.skin import SkinFinder
from hybrid_train.errors import ConfigError, DataError
from hybrid_train.finder.bank import DenseBank
from hybrid_train.finder.registry import FINDERS, make_finder

BANK = np.ones((3, 2))


@pytest.mark.parametrize("kind", FINDERS)
@pytest.mark.parametrize("threshold", [np.nan, np.inf, -np.inf, False, "1", None])
def test_build_refuses_what_is_no_threshold(kind: str, threshold: float) -> None:
    with pytest.raises(DataError, match="threshold="):
        make_finder(kind).build(BANK, BANK, threshold)


@pytest.mark.parametrize("kind", FINDERS)
def test_a_refused_build_leaves_a_finder_unbuilt(kind: str) -> None:
    finder = make_finder(kind)
    with pytest.raises(DataError):
        finder.build(BANK, BANK, np.nan)
    with pytest.raises(ConfigError, match="used before build"):
        finder.find()


@pytest.mark.parametrize("kind", FINDERS)
def test_any_use_before_build_says_so(kind: str) -> None:
    bank = DenseBank(BANK)
    motion = bank.move_along(np.array([0]), sparse.csr_array(np.ones((1, 3))), BANK)
    finder = make_finder(kind)
    for use in (
        finder.find,
        lambda: finder.find([0]),
        lambda: finder.find([]),
        lambda: finder.move_points([0], BANK[:1]),
        lambda: finder.move_queries([0], BANK[:1]),
        lambda: finder.move_points_along(motion),
        lambda: finder.move_queries_along(motion),
    ):
        with pytest.raises(ConfigError, match=rf"^{type(finder).__name__}: used before build; call build\("):
            use()


def test_the_lists_of_skin_are_not_there_before_build() -> None:
    finder = SkinFinder()
    assert finder.rescans == 0
    for use in (finder.facts, lambda: finder.candidates, lambda: finder.deviation):
        with pytest.raises(ConfigError, match="used before build"):
            use()
