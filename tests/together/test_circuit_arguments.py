"""Whatever is handed to a public function of circuits, wrong values are one clear error that names them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit

from circuits import (
    ArithmeticOracle,
    GroverFinder,
    LookupOracle,
    Noise,
    NoisyEngine,
    Phases,
    SamplerEngine,
    diffusion,
    fixed_point_phases,
    grover_circuit,
    grover_operator,
    success_probability,
    uniform_state,
)
from hybrid_train.errors import ConfigError, DataError

ORACLE = LookupOracle([1], 4)
WEIGHTS = np.ones((4, 2))
NAN = float("nan")
WRONG: list[tuple[str, Callable[[Any], Any], list[Any]]] = [
    ("n_items", uniform_state, [0, -1, 2.5, NAN, "4", None, True, 1 << 80, [4]]),
    ("n_items", diffusion, [0, -1, 2.5, NAN, "4", None, True, 1 << 80]),
    ("phase", lambda x: diffusion(4, x), [NAN, float("inf"), "1", None, True, 10**400, [1.0]]),
    ("phase", ORACLE.circuit, [NAN, "1", None]),
    ("oracle_phase", lambda x: grover_operator(ORACLE, oracle_phase=x), [NAN, "1"]),
    ("diffusion_phase", lambda x: grover_operator(ORACLE, diffusion_phase=x), [NAN, "1"]),
    ("oracle", grover_circuit, [QuantumCircuit(2), None, [1, 2], LookupOracle, "oracle"]),
    ("oracle", grover_operator, [QuantumCircuit(2), None]),
    ("iterations", lambda x: grover_circuit(ORACLE, x), [-1, 1.0, 1.5, NAN, "1", None, True, 1 << 60]),
    ("phases", lambda x: grover_circuit(ORACLE, phases=x), [[1.0], 3, "x"]),
    ("iterations", lambda x: fixed_point_phases(x, 0.1), [-1, 1.5, NAN, "1", None, [1], 1 << 60]),
    ("miss_probability", lambda x: fixed_point_phases(3, x), [2.0, 1.0, 0.0, -1.0, NAN, "x", None, [0.1]]),
    ("n_marked", lambda x: success_probability(8, x, 1), [9, -1, 1.5, NAN, "1", None]),
    ("n_items", lambda x: success_probability(x, 0, 1), [0, -1, 1.5, NAN, "1", None]),
    ("iterations", lambda x: success_probability(8, 1, x), [-1, 1.5, NAN, "1", None]),
    ("n_items", lambda x: LookupOracle([0], x), [0, -1, 2.5, NAN, "4", True, 1 << 80, None]),
    ("marked", lambda x: LookupOracle(x, 4), [[4], [-1], [0.5], [NAN], ["a"], "13", None, 3, {1: 2}, [[1]], [1, [2]]]),
    ("marked", lambda x: LookupOracle(x, 4), [[0, 1, 1, 0], [True] * 3, [1, 1], QuantumCircuit(1), [1 << 70]]),
    ("bits", lambda x: ArithmeticOracle(WEIGHTS, [1, 1], 0.0, x), [1, 25, -1, 2.5, NAN, "4", None, True]),
    ("query_bits", lambda x: ArithmeticOracle(WEIGHTS, [1, 1], 0.0, 4, x), [0, 1, 25, 2.5, NAN, "4", True]),
    ("threshold", lambda x: ArithmeticOracle(WEIGHTS, [1, 1], x, 4), [NAN, float("inf"), "1", None]),
    ("query", lambda x: ArithmeticOracle(WEIGHTS, x, 0.0, 4), [[1], [NAN, 1], ["a", "b"], None]),
    ("weights", lambda x: ArithmeticOracle(x, [1, 1], 0.0, 4), [[[NAN, 1]], [1, 2], [], "x", None]),
    ("done", lambda x: ArithmeticOracle(WEIGHTS, [1, 1], 0.0, 4, done=x), [[4], [-1], [0.5], ["a"], [True], [NAN]]),
    ("swap", lambda x: ArithmeticOracle(WEIGHTS, [1, 1], 0.0, 4, adder="gidney", swap=x), [0, 3, 4, 1.5, "2", None]),
    ("spare", lambda x: ArithmeticOracle(WEIGHTS, [1, 1], 0.0, 4, adder="gidney", spare=x), [-1, 1.5, "2", None, NAN]),
    ("adder", lambda x: ArithmeticOracle(WEIGHTS, [1, 1], 0.0, 4, adder=x), ["x", None, 3]),
    ("depolarizing", lambda x: Noise(depolarizing=x), [1.0, -0.1, NAN, "x", None, True]),
    ("noise", NoisyEngine, [None, {"readout": 0.1}, 3]),
    ("sampler", SamplerEngine, [3, "x", QuantumCircuit(1)]),
    ("backend", lambda x: SamplerEngine(backend=x), [3, "aer"]),
    ("oracle", lambda x: Phases(x, np.zeros(2)), [None, np.zeros(3), np.array([NAN, 0]), ["a", "b"], 1.0]),
    ("strategy", lambda x: GroverFinder(strategy=x), ["x", 3, None]),
    ("engine", lambda x: GroverFinder(engine=x), ["x", 3, None]),
    ("oracle", lambda x: GroverFinder(oracle=x), ["x", 3, None]),
    ("noise", lambda x: GroverFinder(noise=x), [{}, {"x": 1}, {"readout": 2}, 3, "x"]),
    ("bits", lambda x: GroverFinder(oracle="arithmetic", bits=x), [1, 2.5, "4", True, NAN]),
]


@pytest.mark.parametrize(("name", "call", "value"), [(n, c, v) for n, c, values in WRONG for v in values])
def test_a_wrong_value_is_one_error_that_names_the_argument(name: str, call: Callable[[Any], Any], value: Any) -> None:
    with pytest.raises((ConfigError, DataError)) as raised:
        call(value)
    assert name in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "marked",
    [{1, 3}, frozenset({1, 3}), (1, 3), iter([3, 1]), range(1, 4, 2), np.array([1, 3], np.uint8), {1: 0, 3: 0}.keys()],
)
def test_indices_may_come_in_any_iterable(marked: Any) -> None:
    assert LookupOracle(marked, 4).marked.tolist() == [1, 3]


def test_a_mask_is_of_booleans_and_zeros_and_ones_are_indices() -> None:
    assert LookupOracle([False, True, False, True]).marked.tolist() == [1, 3]
    assert LookupOracle([0, 1], 2).marked.tolist() == [0, 1]
    with pytest.raises(DataError, match="mask, make it one of booleans"):
        LookupOracle([0, 1, 0, 1], 4)
