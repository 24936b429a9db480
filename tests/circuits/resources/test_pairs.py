from __future__ import annotations

import numpy as np
import pytest

from circuits.arithmetic import FixedPointWeights, PairArithmeticOracle
from circuits.resources.pairs import pair_resources
from hybrid_train.errors import ConfigError


@pytest.mark.parametrize(("n", "m", "d"), [(1, 1, 1), (1, 4, 2), (3, 1, 1), (3, 5, 2), (4, 8, 3), (2, 6, 1)])
def test_qubits_are_those_of_the_circuit(n: int, m: int, d: int) -> None:
    rng = np.random.default_rng(0)
    weights, data = FixedPointWeights(rng.standard_normal((m, d)), 3), rng.standard_normal((n, d))
    oracle = PairArithmeticOracle(weights, data, 0.5, 2)
    found = pair_resources(n, m, d, 3, 2)
    assert found.index_qubits == oracle.n_qubits
    assert found.logical_qubits == oracle.n_qubits + oracle.n_ancillas


def test_one_certificate_instead_of_many() -> None:
    found = pair_resources(64, 1 << 20, 16, 8)
    assert found.index_qubits == 26
    assert found.certificate_calls == pytest.approx(3.80 * 2**13, rel=0.01)
    assert found.apart_certificate_calls > 8 * found.certificate_calls
    finding = found.oracle_calls - found.certificate_calls
    assert finding == pytest.approx(found.apart_oracle_calls - found.apart_certificate_calls, rel=1e-3)
    with pytest.raises(ConfigError, match="n=0"):
        pair_resources(0, 4, 1, 2)
