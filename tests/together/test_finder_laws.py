"""Laws of all finders and of all dynamics, over random histories: always what the vectors themselves say.

``make explore`` plays these with many more examples.
"""

from __future__ import annotations

import pytest
from hypothesis.stateful import run_state_machine_as_test

from hybrid_train.finder.registry import FINDERS
from tests.support.exploring import histories
from tests.support.histories import FinderHistory


@pytest.mark.parametrize("kind", FINDERS)
def test_a_finder_answers_from_the_vectors_as_they_are(kind: str) -> None:
    run_state_machine_as_test(lambda: FinderHistory(kind), settings=histories(8))
