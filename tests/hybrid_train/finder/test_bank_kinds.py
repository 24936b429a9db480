"""Banks hold real numbers: what NumPy would silently turn into some is refused."""

import numpy as np
import pytest

from hybrid_train.errors import DataError
from hybrid_train.finder.bank import checked_vectors


@pytest.mark.parametrize("kind", ["complex", "bool", "U8", "m8[s]", "object"])
def test_only_real_numbers_are_vectors(kind: str) -> None:
    with pytest.raises(DataError, match="points: expected real numbers"):
        checked_vectors(np.ones((2, 2), int).astype(kind), "points")
