from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qiskit.quantum_info import Operator, Statevector
from qiskit_aer import AerSimulator

from circuits import lookup
from circuits.engines.compact import CircuitBuilder
from circuits.engines.fusion import fused
from circuits.grover import diffusion, grover_circuit, grover_operator, uniform_state
from circuits.law import Phases, fixed_point_phases, phased_probability, success_probability
from circuits.lookup import LookupOracle
from circuits.register import Register
from hybrid_train.errors import ConfigError, DataError

SIZES = range(1, 10)


@pytest.fixture(params=["one by one", "diagonal"])
def both_forms(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test here sees few and many marked items built in either form."""
    monkeypatch.setattr(lookup, "_TABLE_ENTRIES_PER_ITEM", 0 if request.param == "one by one" else 1 << 20)


def all_subsets(n_items: int) -> list[list[int]]:
    return [[i for i in range(n_items) if code >> i & 1] for code in range(1 << n_items)]


def some_subsets(n_items: int) -> list[list[int]]:
    rng = np.random.default_rng(n_items)
    return [sorted(rng.choice(n_items, k, replace=False).tolist()) for k in range(n_items + 1)]


@pytest.mark.usefixtures("both_forms")
@pytest.mark.parametrize("n_items", [1, 2, 3, 4])
@pytest.mark.parametrize("phase", [np.pi, 0.7])
def test_phase_oracle_is_the_diagonal_of_its_table(n_items: int, phase: float) -> None:
    for marked in all_subsets(n_items):
        oracle = LookupOracle(np.array(marked, np.int64), n_items)
        expected = np.ones(1 << oracle.n_qubits, complex)
        expected[marked] = np.exp(1j * phase)
        np.testing.assert_allclose(Operator(oracle.circuit(phase)).data, np.diag(expected), atol=1e-12)


@pytest.mark.usefixtures("both_forms")
@pytest.mark.parametrize("n_items", SIZES)
def test_bit_oracle_is_the_permutation_of_its_table(n_items: int) -> None:
    for marked in some_subsets(n_items):
        oracle = LookupOracle(np.array(marked, np.int64), n_items)
        size = 1 << oracle.n_qubits
        expected = np.zeros((2 * size, 2 * size))
        for r in range(size):
            for c in range(2):
                expected[r + size * (c ^ (r in marked)), r + size * c] = 1.0
        np.testing.assert_allclose(Operator(oracle.bit_circuit()).data, expected, atol=1e-12)


def test_mask_and_indices_mean_the_same() -> None:
    mask = np.array([False, True, False, True, True])
    assert Operator(LookupOracle(mask).circuit()) == Operator(LookupOracle([4, 1, 3], 5).circuit())


@pytest.mark.parametrize(
    ("marked", "n_items", "error", "message"),
    [
        ([5], 5, DataError, r"\[0, 5\)"),
        ([-1], 5, DataError, r"\[0, 5\)"),
        ([1, 1], 5, DataError, "distinct"),
        ([0.5], 5, DataError, "indices or a mask"),
        (np.ones(4, bool), 5, DataError, "n_items=5"),
        ([1], None, ConfigError, "n_items=None"),
        ([], 0, ConfigError, "n_items=0"),
    ],
)
def test_oracle_refuses_what_it_cannot_mark(marked: Any, n_items: int | None, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        LookupOracle(marked, n_items)


@pytest.mark.parametrize("n_items", [*range(1, 34), 1000, 1023, 1025])
def test_uniform_state_spreads_over_exactly_m_items(n_items: int) -> None:
    amplitudes = Statevector(uniform_state(n_items)).data
    expected = np.where(np.arange(len(amplitudes)) < n_items, n_items**-0.5, 0.0)
    np.testing.assert_allclose(amplitudes, expected, atol=1e-12)


@pytest.mark.parametrize("n_items", SIZES)
@pytest.mark.parametrize("phase", [np.pi, -1.3])
def test_diffusion_turns_the_uniform_state_alone(n_items: int, phase: float) -> None:
    circuit = diffusion(n_items, phase)
    uniform = np.where(np.arange(1 << circuit.num_qubits) < n_items, n_items**-0.5, 0.0)
    expected = np.eye(len(uniform)) + (np.exp(1j * phase) - 1.0) * np.outer(uniform, uniform)
    np.testing.assert_allclose(Operator(circuit).data, expected, atol=1e-12)


@pytest.mark.usefixtures("both_forms")
@pytest.mark.parametrize("n_items", SIZES)
def test_circuits_follow_the_closed_form_law(n_items: int) -> None:
    phases = fixed_point_phases(3, 0.1)
    for marked in some_subsets(n_items):
        oracle = LookupOracle(np.array(marked, np.int64), n_items)
        runs = {j: success_probability(n_items, len(marked), j) for j in range(5)}
        for iterations, expected in runs.items():
            state = Statevector(grover_circuit(oracle, iterations, measure=False))
            assert state.probabilities()[marked].sum() == pytest.approx(expected, abs=1e-10)
        state = Statevector(grover_circuit(oracle, phases=phases, measure=False))
        phased = phased_probability(n_items, len(marked), phases)
        assert state.probabilities()[marked].sum() == pytest.approx(phased, abs=1e-10)


def test_whole_run_is_the_iterate_applied_to_the_uniform_state() -> None:
    oracle = LookupOracle([1, 4], 6)
    step = grover_operator(oracle, oracle_phase=0.3, diffusion_phase=0.9)
    by_hand = uniform_state(6).compose(step).compose(step)
    built = grover_circuit(oracle, phases=Phases(np.full(2, 0.3), np.full(2, 0.9)), measure=False)
    assert Statevector(built).equiv(Statevector(by_hand))


@pytest.mark.parametrize("n_items", [1, 2, 3, 6, 8, 11, 16, 37])
def test_compact_circuits_are_the_same_maps(n_items: int) -> None:
    builder = CircuitBuilder(Register.of(n_items))
    rng = np.random.default_rng(0)
    for n_marked in {0, 1, n_items // 3, n_items}:
        marked = rng.choice(n_items, n_marked, replace=False)
        oracle = LookupOracle(marked, n_items)
        phases = fixed_point_phases(2, 0.2)
        pairs = [
            (builder.plain(builder.oracle(marked), 2), grover_circuit(oracle, 2)),
            (builder.phased(marked, phases), grover_circuit(oracle, phases=phases)),
        ]
        for compact, plain in pairs:
            both = compact.circuit(), plain
            states = [Statevector(circuit.remove_final_measurements(inplace=False)) for circuit in both]
            assert states[0].equiv(states[1])


def test_a_wide_diffusion_turns_most_qubits_under_control() -> None:
    marked, n_items = np.array([3, 1000, 2047]), 2048
    run = CircuitBuilder(Register.of(n_items)).phased(marked, fixed_point_phases(2, 0.2)).circuit()
    plain = grover_circuit(LookupOracle(marked, n_items), phases=fixed_point_phases(2, 0.2))
    assert run.count_ops()["mcry"] == 2 * 2 * 6
    states = [Statevector(circuit.remove_final_measurements(inplace=False)) for circuit in (run, plain)]
    assert states[0].equiv(states[1])


def test_diffusions_with_nothing_marked_cancel_but_for_their_phases() -> None:
    builder, nothing = CircuitBuilder(Register.of(300)), np.empty(0, np.int64)
    lengths = [len(builder.phased(nothing, fixed_point_phases(length, 0.2))) for length in (2, 40)]
    assert lengths[1] - lengths[0] == 38
    assert len(builder.plain(builder.oracle(nothing), 40)) == lengths[1]


@pytest.mark.parametrize("n_items", [8, 300, 333])
def test_fusion_keeps_the_map_and_saves_instructions(n_items: int) -> None:
    frame = diffusion(n_items)
    steps = fused(frame)
    rebuilt = frame.copy_empty_like()
    for step in steps:
        rebuilt.append(step)
    assert len(steps) < len(frame.data)
    assert Operator(rebuilt).equiv(Operator(frame))


@pytest.mark.parametrize("n_items", [1, 2, 3, 16, 200])
def test_built_circuits_need_no_transpiler(n_items: int) -> None:
    """Every instruction is one that Aer runs as it is."""
    native = set(AerSimulator(method="statevector").target.operation_names) | {"cry_o0", "mcphase"}
    circuit = grover_circuit(
        LookupOracle(np.arange(n_items // 2), n_items), 2, phases=fixed_point_phases(1, 0.2), boxes=False
    )
    assert set(circuit.count_ops()) <= native
    assert sum(AerSimulator().run(circuit, shots=5).result().get_counts().values()) == 5


def test_bad_arguments_are_named() -> None:
    with pytest.raises(ConfigError, match="n_items=0"):
        uniform_state(0)
    with pytest.raises(ConfigError, match="n_items=0"):
        diffusion(0)
    with pytest.raises(ConfigError, match="iterations=-1"):
        grover_circuit(LookupOracle([0], 2), -1)
