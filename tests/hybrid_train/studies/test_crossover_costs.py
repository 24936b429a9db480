from __future__ import annotations

import pytest

from hybrid_train.errors import ConfigError
from hybrid_train.studies.crossover_costs import CrossoverOptions


@pytest.mark.parametrize("name", ["toffoli_rate", "classical_rate"])
@pytest.mark.parametrize("rate", [1e-320, 1e308])
def test_a_rate_that_leaves_the_finite_numbers_is_refused(name: str, rate: float) -> None:
    with pytest.raises(ConfigError, match=f"{name}=.* must be from 1e-30 to 1e\\+60"):
        CrossoverOptions(**{name: rate})
