from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qiskit.quantum_info import Statevector

from circuits.cnf import CnfOracle, Formula
from hybrid_train.errors import ConfigError, DataError, ResourceError

LAYOUTS: Any = ("counter", "flags")


def random_formula(n_variables: int, n_clauses: int, seed: int = 0) -> Formula:
    rng = np.random.default_rng(seed)
    clauses = [
        tuple(int(v) * int(rng.choice([-1, 1])) for v in rng.choice(n_variables, rng.integers(1, 4), replace=False) + 1)
        for _ in range(n_clauses)
    ]
    return Formula(n_variables, tuple(clauses))


def brute_force(formula: Formula) -> np.ndarray:
    """Clause by clause and literal by literal."""

    def holds(item: int, literal: int) -> bool:
        return (item >> abs(literal) - 1 & 1) == (literal > 0)

    items = range(1 << formula.n_variables)
    return np.array([all(any(holds(item, one) for one in clause) for clause in formula.clauses) for item in items])


FORMULAS = [
    random_formula(4, 5),
    random_formula(3, 3, 1),
    Formula(2, ()),
    Formula(2, ((),)),
    Formula(2, ((1, -1), (2,))),
    Formula(3, ((1,), (-1,), (2, 2, 3))),
]


@pytest.mark.parametrize("formula", [*FORMULAS, random_formula(9, 30, 2)])
def test_the_mask_is_what_brute_force_finds(formula: Formula) -> None:
    wanted = brute_force(formula)
    np.testing.assert_array_equal(formula.mask(), wanted)
    np.testing.assert_array_equal(formula.satisfied_by(np.arange(1 << formula.n_variables)), wanted)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("formula", FORMULAS)
def test_it_turns_what_satisfies_and_clears_its_ancillas(formula: Formula, layout: Any) -> None:
    oracle = CnfOracle(formula, layout)
    circuit = oracle.circuit(0.7)
    assert circuit.num_qubits == oracle.n_qubits + oracle.n_ancillas
    rng = np.random.default_rng(3)
    size = oracle.n_items
    state = np.zeros(1 << circuit.num_qubits, complex)
    state[:size] = rng.standard_normal(size) + 1j * rng.standard_normal(size)
    state /= np.linalg.norm(state)
    wanted = state.copy()
    wanted[:size] *= np.where(brute_force(formula), np.exp(0.7j), 1.0)
    assert np.allclose(Statevector(state).evolve(circuit).data, wanted, atol=1e-9)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_bit_oracle_on_every_basis_state(layout: Any) -> None:
    formula = random_formula(5, 9, 4)
    oracle = CnfOracle(formula, layout)
    circuit = oracle.bit_circuit()
    state = np.zeros(1 << circuit.num_qubits)
    state[: oracle.n_items] = oracle.n_items**-0.5
    ended = Statevector(state).evolve(circuit).data
    places = np.arange(oracle.n_items) + (brute_force(formula) * 1 << circuit.num_qubits - 1)
    assert np.allclose(ended[places], oracle.n_items**-0.5)


def test_a_counter_takes_few_qubits() -> None:
    formula = random_formula(6, 20)
    assert CnfOracle(formula).n_ancillas == 5
    assert CnfOracle(formula, "flags").n_ancillas == 20


def test_bad_formulas_are_refused() -> None:
    with pytest.raises(DataError, match="literal 4"):
        Formula(3, ((1, 4),))
    with pytest.raises(DataError, match="n_variables=0"):
        Formula(0, ())
    with pytest.raises(ConfigError, match="layout='tree'"):
        CnfOracle(Formula(1, ()), "tree")
    with pytest.raises(ResourceError, match="fewer variables"):
        Formula(62, ()).mask()
