from __future__ import annotations

import numpy as np
import pytest
from qiskit.quantum_info import Statevector

from circuits.grover import diffusion, uniform_state
from circuits.register import Register
from hybrid_train.errors import ConfigError

SHAPES = [(1,), (5,), (8,), (1, 1), (1, 6), (6, 1), (3, 4), (4, 3), (3, 5), (2, 3, 2)]


@pytest.mark.parametrize("shape", SHAPES)
def test_places_and_items_undo_each_other(shape: tuple[int, ...]) -> None:
    register = Register(shape)
    items = np.arange(register.n_items)
    places = register.places(items)
    assert len(np.unique(places)) == register.n_items
    np.testing.assert_array_equal(register.items(places), items)
    everywhere = register.items(np.arange(1 << register.n_qubits))
    assert (everywhere < register.n_items).sum() == register.n_items


def test_every_number_has_qubits_of_its_own() -> None:
    register = Register((3, 5))
    assert (register.widths, register.n_qubits, register.n_items) == ((2, 3), 5, 15)
    assert register.places(np.array([7])).tolist() == [1 << 3 | 2]
    assert Register((1, 1)).n_qubits == 1


@pytest.mark.parametrize("shape", SHAPES)
def test_uniform_state_holds_the_items_and_no_other(shape: tuple[int, ...]) -> None:
    register = Register(shape)
    state = Statevector(uniform_state(register)).data
    wanted = np.zeros(1 << register.n_qubits)
    wanted[register.places(np.arange(register.n_items))] = register.n_items**-0.5
    np.testing.assert_allclose(state, wanted, atol=1e-12)
    np.testing.assert_allclose(Statevector(state).evolve(diffusion(register)).data, -wanted, atol=1e-12)


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (1 << 40, 1 << 40), (2.5,)])
def test_impossible_registers_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError):
        Register(shape)
