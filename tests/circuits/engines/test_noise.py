"""Noisy searches follow the noise they were given.

The chi-square tests sound a false alarm with probability 1e-9. With 2048 shots they see that either rate is left out,
or that shots are repeated; each of these broken twins must fail.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.quantum_info import DensityMatrix, Operator, partial_trace
from qiskit.transpiler import generate_preset_pass_manager
from qiskit_aer import AerSimulator

from circuits.engines import noisy
from circuits.engines.engine import Batch, Run
from circuits.engines.marked import MarkedItems
from circuits.engines.noise import BASIS, Noise
from circuits.engines.noisy import NoisyEngine
from circuits.engines.sampler import SamplerEngine
from circuits.finder import GroverFinder
from circuits.grover import grover_circuit
from circuits.law import fixed_point_phases
from circuits.lookup import LookupOracle
from hybrid_train import load_config, make_finder
from hybrid_train.errors import ConfigError, ResourceError
from hybrid_train.finder.scan import active_pairs
from tests.support.statistics import counts_are

FALSE_ALARM = 1e-9
SEARCHES = 64
RUNS = {"plain": Run(1), "phased": Run(2, fixed_point_phases(2, 0.2))}
POINTS = np.random.default_rng(0).standard_normal((16, 4))
QUERIES = np.random.default_rng(1).standard_normal((4, 4))


def batch(run: Run, seed: int = 0, searches: int = SEARCHES, marked: tuple[int, ...] = (2,), n_items: int = 4) -> Batch:
    indptr = np.arange(searches + 1) * len(marked)
    held = MarkedItems(indptr, np.tile(np.array(marked, np.int64), searches), n_items)
    seeds = np.random.default_rng(seed).integers(0, 1 << 63, searches, np.uint64)
    return Batch(held, np.arange(searches), [run] * searches, seeds)


def shots(noise: Noise, run: Run, rounds: int = 32) -> np.ndarray:
    engine = NoisyEngine(noise)
    return np.concatenate([engine.sample(batch(run, seed)) for seed in range(rounds)])


def depolarized(state: DensityMatrix, qubits: list[int], rate: float) -> DensityMatrix:
    """With this probability the qubits are replaced by the maximally mixed state; two-qubit registers only."""
    if len(qubits) == 2:
        mixed = DensityMatrix(np.eye(4) / 4.0)
    else:
        rest, one = partial_trace(state, qubits), DensityMatrix(np.eye(2) / 2.0)
        mixed = rest.tensor(one) if qubits == [0] else one.tensor(rest)
    return DensityMatrix((1.0 - rate) * state.data + rate * mixed.data)


def law(noise: Noise, run: Run) -> np.ndarray:
    """What the definition says of the circuit, gate by gate: no part of Aer."""
    passes = generate_preset_pass_manager(1, basis_gates=list(BASIS), seed_transpiler=0)
    circuit = passes.run(grover_circuit(LookupOracle([2], 4), run.iterations, phases=run.phases))
    state = DensityMatrix.from_label("00")
    for step in circuit.data:
        if step.operation.name in BASIS:
            qubits = [circuit.find_bit(qubit).index for qubit in step.qubits]
            state = depolarized(state.evolve(Operator(step.operation), qubits), qubits, noise.depolarizing)
    flip = np.array([[1.0 - noise.readout, noise.readout], [noise.readout, 1.0 - noise.readout]])
    return np.kron(flip, flip) @ state.probabilities()


def fits(measured: np.ndarray, expected: np.ndarray) -> bool:
    """A false alarm in 1e-9; sees differences of w = 0.25."""
    return counts_are(np.bincount(measured, minlength=4), expected, sees=0.25)


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_shots_follow_the_definition(run: Run) -> None:
    noise = Noise(depolarizing=0.04, readout=0.1)
    measured = shots(noise, run)
    assert fits(measured, law(noise, run))
    assert not fits(measured, law(Noise(readout=0.1), run))
    assert not fits(measured, law(Noise(depolarizing=0.04), run))
    assert not fits(np.tile(measured[:16], 128), law(noise, run))


def test_without_rates_the_noisy_machine_is_ideal() -> None:
    assert (shots(Noise(), Run(1), rounds=2) == 2).all()
    assert Noise().model().is_ideal()
    assert not Noise(readout=0.1).model().is_ideal()


def test_only_gates_that_carry_noise_are_run(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = []

    class Recorder(AerSimulator):
        def run(self, circuits: Any, **options: Any) -> Any:
            ran.extend(circuits)
            return super().run(circuits, **options)

    monkeypatch.setattr(noisy, "AerSimulator", Recorder)
    finder = GroverFinder(noise={"depolarizing": 1e-3}, delta=0.1)
    finder.build(POINTS, QUERIES, 1.0)
    finder.find()
    assert {name for circuit in ran for name in circuit.count_ops()} == {*BASIS, "measure"}
    assert len(ran) == finder.cost.measurements == finder.simulation.circuits
    assert finder.simulation.gates == sum(len(circuit.data) for circuit in ran)


def test_same_seed_same_answer() -> None:
    seen = []
    for seed in (1, 1, 2):
        finder = make_finder("grover", seed=seed, noise={"depolarizing": 0.01, "readout": 0.02}, delta=0.1)
        finder.build(POINTS, QUERIES, 0.5)
        seen.append((finder.find().indices.tolist(), finder.cost))
    assert seen[0] == seen[1] != seen[2]


def test_noise_loses_points_but_reports_none_that_is_not_there() -> None:
    truth = active_pairs(POINTS, QUERIES, 0.0)
    found = {}
    for rate in (0.0, 0.5):
        finder = make_finder("grover", seed=0, noise={"depolarizing": rate}, delta=1e-3)
        finder.build(POINTS, QUERIES, 0.0)
        found[rate] = finder.find()
        pairs = set(zip(found[rate].query_ids.tolist(), found[rate].point_ids.tolist(), strict=True))
        assert pairs <= set(zip(truth.query_ids.tolist(), truth.point_ids.tolist(), strict=True))
    assert found[0.0].same_sets(truth)
    assert found[0.5].nnz < truth.nnz


def test_what_may_fault_promises_nothing() -> None:
    backend = GenericBackendV2(4, seed=1)
    assert str(GroverFinder(noise={"readout": 0.0}).promise) == "approximate"
    assert str(GroverFinder(backend=backend).promise) == "approximate"
    passes = generate_preset_pass_manager(1, basis_gates=list(BASIS))
    assert str(GroverFinder(pass_manager=passes).promise) == "exact with probability 1 - 1e-06"


def test_a_config_names_the_noise() -> None:
    config = load_config(
        {"data": {"kind": "digits"}, "finder": {"kind": "grover", "noise": {"depolarizing": 1e-3, "readout": 0.01}}}
    )
    assert config.finder.options["noise"] == {"depolarizing": 1e-3, "readout": 0.01}
    for noise in ({"depolarising": 0.1}, {"readout": 1.0}, {"readout": -0.1}, {}, 0.1, {"readout": "much"}):
        with pytest.raises(ConfigError, match=r"finder\.noise"):
            load_config({"data": {"kind": "digits"}, "finder": {"kind": "grover", "noise": noise}})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"noise": {"readout": True}}, "readout must be a probability"),
        ({"noise": {"depolarizing": float("nan")}}, "depolarizing must be a probability"),
        ({"noise": {"bitflip": 0.1}}, "depolarizing, readout"),
        ({"noise": {"readout": 0.1}, "engine": "closed_form"}, "leave out noise"),
        ({"noise": {"readout": 0.1}, "backend": AerSimulator()}, "leave out backend"),
        ({"sampler": 1}, "sampler=1: expected a Qiskit BaseSamplerV2"),
        ({"backend": "ibm"}, "backend='ibm': expected a Qiskit BackendV2"),
        ({"pass_manager": print}, "expected a Qiskit PassManager"),
    ],
)
def test_bad_options_are_refused_at_birth(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        GroverFinder(**options)


def test_a_backend_and_a_sampler_are_too_much() -> None:
    from qiskit.primitives import StatevectorSampler

    with pytest.raises(ConfigError, match="leave it out, or the sampler"):
        SamplerEngine(StatevectorSampler(), backend=GenericBackendV2(2, seed=1))


def test_any_backend_will_do() -> None:
    truth = active_pairs(POINTS[:8], QUERIES[:2], 0.5)
    finder = GroverFinder(backend=AerSimulator(), delta=1e-3)
    finder.build(POINTS[:8], QUERIES[:2], 0.5)
    assert finder.find().same_sets(truth)
    noisy_backend = GenericBackendV2(4, coupling_map=[[0, 1], [1, 2], [2, 3]], seed=1)
    finder = GroverFinder(backend=noisy_backend, delta=0.1)
    finder.build(POINTS[:8], QUERIES[:2], 0.5)
    assert finder.find().nnz <= truth.nnz
    assert finder.cost.measurements == finder.simulation.circuits > 0


def test_a_backend_with_too_few_qubits_is_refused() -> None:
    finder = GroverFinder(backend=GenericBackendV2(3, seed=1))
    finder.check_resources(8, 1, 4)
    with pytest.raises(ResourceError, match="takes 4 qubits but it has 3; at most 8 points fit"):
        finder.check_resources(9, 1, 4)


def test_too_many_items_for_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noisy, "available_bytes", lambda: 1 << 22)
    with pytest.raises(ResourceError, match=r"finder\.noise: .* at most 32 points fit"):
        NoisyEngine(Noise()).check_resources(64)
    NoisyEngine(Noise()).check_resources(32)
