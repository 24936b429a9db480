"""Anybody's oracle, predicate, mask or formula: what it marks, and how it is built into circuits."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from math import pi
from typing import Any, NamedTuple, cast, final

import numpy as np
import numpy.typing as npt
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import QuantumRegister
from qiskit_aer import AerSimulator

from circuits.arithmetic.oracle import ArithmeticOracle
from circuits.arithmetic.pair_oracle import PairArithmeticOracle
from circuits.cnf import CnfOracle, read_dimacs
from circuits.cnf.formula import Formula
from circuits.engines.marked import Oracles
from circuits.excluding import ExcludingOracle
from circuits.lookup import LookupOracle
from circuits.oracle import Oracle, checked_oracle, register_of
from circuits.register import Register
from hybrid_train.errors import ConfigError, ResourceError
from hybrid_train.support.arrays import IntArray
from hybrid_train.support.memory import available_bytes

Predicate = Callable[[int], bool]

_TOLERANCE = 1e-6
"""By which a phase oracle's amplitudes may be off."""

_BYTES_PER_ITEM = 9

_OURS = (CnfOracle, ArithmeticOracle, PairArithmeticOracle)
"""Their circuits are made of gates that Aer runs as they are."""


class Given(NamedTuple):
    """What is searched.

    Attributes:
        register: that the items lie on.
        marked: (k,) ascending, by the classical test: what a simulator has to know.
        oracle: that is built into circuits.
        verified: who decides whether a measured item counts, in words.
    """

    register: Register
    marked: IntArray
    oracle: Oracle
    verified: str

    @property
    def oracles(self) -> Oracles | None:
        """What engines build circuits from: None for a table of the marks."""
        return None if isinstance(self.oracle, LookupOracle) else _Excluding(self)


def given(oracle: Any, n_items: int | None, is_marked: Predicate | None) -> Given:
    """Return what :func:`circuits.find_all` was given.

    Args:
        oracle: an oracle, a formula, the path of a DIMACS file, a predicate of an index, a mask, or marked indices.
        n_items: m; for a predicate or indices.
        is_marked: the classical test of an oracle of one's own.

    Raises:
        ConfigError: it is none of these, m is missing, or an oracle does not turn phases as it should.
        DataError: a mask, indices or a file that are no such things.
        ResourceError: it has too many items to be simulated here.
    """
    if isinstance(oracle, str | os.PathLike):
        oracle = read_dimacs(oracle)
    if isinstance(oracle, Formula):
        oracle = CnfOracle(oracle)
    is_oracle = hasattr(oracle, "circuit") and hasattr(oracle, "n_items")
    if is_marked is not None and not is_oracle:
        raise ConfigError("is_marked: the classical test of an oracle of your own; leave it out, or give that oracle")
    if n_items is not None and is_oracle and n_items != oracle.n_items:
        raise ConfigError(f"n_items={n_items}: the oracle has {oracle.n_items} items; leave it out")
    if is_oracle:
        return _of_oracle(checked_oracle(oracle), is_marked)
    if callable(oracle):
        if n_items is None:
            raise ConfigError("n_items=None: give the number of items of a predicate")
        mask = _tabulated(oracle, Register.of(n_items).n_items)
        return _of_table(LookupOracle(mask), "the predicate")
    return _of_table(LookupOracle(oracle, n_items), "the table")


def _of_table(oracle: LookupOracle, verified: str) -> Given:
    return Given(oracle.register, oracle.marked, oracle, verified)


def _of_oracle(oracle: Oracle, is_marked: Predicate | None) -> Given:
    register = register_of(oracle)
    if is_marked is not None:
        return Given(register, np.flatnonzero(_tabulated(is_marked, register.n_items)), oracle, "is_marked")
    if isinstance(oracle, LookupOracle):
        return _of_table(oracle, "the table")
    if isinstance(oracle, CnfOracle):
        return Given(register, np.flatnonzero(oracle.marked()), oracle, "the formula")
    if isinstance(oracle, ArithmeticOracle | PairArithmeticOracle):
        return Given(register, np.flatnonzero(oracle.marked()), oracle, "the integers of the oracle")
    return Given(register, _simulated(oracle, register), oracle, "the simulated oracle")


def _tabulated(predicate: Predicate, n_items: int) -> npt.NDArray[np.bool_]:
    """Return what a predicate says of every item.

    Raises:
        ConfigError: it says something else than true or false.
        ResourceError: there are too many.
    """
    if _BYTES_PER_ITEM * n_items > available_bytes():
        raise ResourceError(
            f"n_items={n_items}: a simulation has to ask the predicate about every item, which takes "
            f"{_BYTES_PER_ITEM * n_items} bytes of memory but {available_bytes()} are available"
        )
    mask = np.empty(n_items, np.bool_)
    for item in range(n_items):
        said = predicate(item)
        if not isinstance(said, bool | np.bool_):
            raise ConfigError(f"predicate({item}) gave {said!r}: expected True or False")
        mask[item] = said
    return mask


def _simulated(oracle: Oracle, register: Register) -> IntArray:
    """Return what an oracle marks, read off its action on all items at once.

    Raises:
        ConfigError: it does not turn marked items by pi and leave the others, or does not clear its ancillas.
        ResourceError: so many qubits cannot be simulated.
    """
    circuit = oracle.circuit(pi)
    index, needed = register.n_qubits, 48 << circuit.num_qubits
    if circuit.num_qubits < index or circuit.num_clbits:
        raise ConfigError(
            f"oracle: its circuit has {circuit.num_qubits} qubits and {circuit.num_clbits} classical bits; expected a "
            f"unitary one, the {index} qubits of the index first"
        )
    if needed > available_bytes():
        raise ResourceError(
            f"oracle: simulating its {circuit.num_qubits} qubits needs {needed} bytes of memory but "
            f"{available_bytes()} are available; give its classical test as is_marked"
        )
    whole = QuantumCircuit(QuantumRegister(circuit.num_qubits))
    whole.h(range(index))
    whole.compose(circuit, inplace=True)
    whole.save_statevector()
    simulator = AerSimulator(method="statevector")
    result = simulator.run(transpile(whole, simulator, optimization_level=0), shots=1).result()
    state = np.asarray(result.get_statevector())
    turned = state[: 1 << index][register.places(np.arange(register.n_items))] * 2.0 ** (index / 2.0)
    wrong = np.flatnonzero(np.abs(np.abs(turned.real) - 1.0) + np.abs(turned.imag) > _TOLERANCE)
    if len(wrong):
        raise ConfigError(
            f"oracle: circuit(pi) takes item {wrong[0]} to {complex(turned[wrong[0]]):.4g} times itself with clean "
            "ancillas; expected 1, or -1 if it is marked, and ancillas that end as |0>"
        )
    return np.flatnonzero(turned.real < 0.0)


@final
class _Excluding:
    """One oracle, what was found being turned back; in gates that Aer runs as they are."""

    def __init__(self, what: Given) -> None:
        self._marked, self._register = what.marked, what.register
        self._native = what.oracle if isinstance(what.oracle, _OURS) else cast(Oracle, _Native(what.oracle))

    def oracle(self, search: int, left: IntArray) -> Oracle:
        done = np.setdiff1d(self._marked, left, assume_unique=True)
        return ExcludingOracle(self._native, done, self._register) if len(done) else self._native


@final
class _Native:
    """An oracle whose circuits are rewritten once in gates that Aer knows."""

    def __init__(self, oracle: Oracle) -> None:
        self.n_items, self.n_qubits, self.register = oracle.n_items, oracle.n_qubits, register_of(oracle)
        simulator = AerSimulator(method="statevector")
        self._rewritten = lru_cache(maxsize=512)(
            lambda phase: transpile(oracle.circuit(phase), simulator, optimization_level=0)
        )

    def circuit(self, phase: float = pi) -> QuantumCircuit:
        return self._rewritten(phase).copy()
