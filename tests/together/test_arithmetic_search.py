"""Grover search with the arithmetic oracle, simulated to the end, against the law for as many as it marks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qiskit_aer import AerSimulator

from circuits.arithmetic import ArithmeticOracle
from circuits.grover import grover_operator, uniform_state
from circuits.law import best_iterations, success_probability
from tests.support.statistics import share_is

SHOTS = 4000


def search_circuit(oracle: Any, iterations: Any) -> Any:
    circuit = oracle.circuit().copy_empty_like()
    circuit.compose(uniform_state(oracle.n_items), inplace=True)
    step = grover_operator(oracle)
    for _ in range(iterations):
        circuit.compose(step, inplace=True)
    return circuit.decompose(["cry_o0"])


def make(m: Any, d: Any, bits: Any, threshold: Any, **options: Any) -> Any:
    rng = np.random.default_rng([m, d, bits])
    query = rng.standard_normal(d)
    return ArithmeticOracle(
        rng.standard_normal((m, d)), query / np.linalg.norm(query), threshold, bits, bits, **options
    )


@pytest.mark.parametrize(
    ("m", "d", "bits", "threshold"),
    [
        (16, 1, 3, 1.3),
        (16, 2, 3, 1.8),
        (13, 2, 3, 0.8),
        (32, 2, 4, 1.8),
        (32, 4, 3, 2.6),
        (64, 2, 3, 2.2),
    ],
)
def test_probabilities_follow_the_law_for_the_marked(m: Any, d: Any, bits: Any, threshold: Any) -> None:
    oracle = make(m, d, bits, threshold, done=[0])
    count = int(oracle.marked().sum())
    assert 0 < count < m / 2
    iterations = best_iterations(m, count)
    circuit = search_circuit(oracle, iterations)
    circuit.save_probabilities()
    probabilities = AerSimulator(method="statevector").run(circuit, shots=1).result().data()["probabilities"]
    on_index = probabilities[: 1 << oracle.n_qubits]
    assert on_index.sum() == pytest.approx(1.0, abs=1e-9)  # every ancilla is back at 0
    marked = on_index[:m][oracle.marked()]
    law = float(success_probability(m, count, iterations))
    assert np.allclose(marked, law / count, atol=1e-9)
    assert on_index[m:] == pytest.approx(0.0, abs=1e-9)


def follows_the_law(oracle: Any, iterations: Any, assumed: Any) -> bool:
    """Sample the search: whether it measures marked items as often as the law says of so many iterations."""
    circuit = search_circuit(oracle, iterations)
    circuit.measure_all()
    counts = AerSimulator(method="statevector").run(circuit, shots=SHOTS, seed_simulator=11).result().get_counts()
    mask = (1 << oracle.n_qubits) - 1
    marked = oracle.marked()
    hits = sum(shots for bits, shots in counts.items() if marked[int(bits, 2) & mask])
    law = float(success_probability(oracle.n_items, int(marked.sum()), assumed))
    return share_is(hits, SHOTS, law, sees=0.08)


def test_samples_follow_the_law_and_one_iteration_more_does_not() -> None:
    """False alarm 1e-9; sees a change of the success probability by 0.08."""
    oracle = make(16, 2, 3, 1.8)
    iterations = best_iterations(16, int(oracle.marked().sum()))
    assert follows_the_law(oracle, iterations, iterations)
    assert not follows_the_law(oracle, iterations + 1, iterations)
