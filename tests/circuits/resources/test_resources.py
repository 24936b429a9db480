"""Resource counts: the closed form equals the built circuit, and keeps within the published parts."""

from __future__ import annotations

import subprocess
import sys
import time
from math import ceil, log2, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit

from circuits.arithmetic import ArithmeticOracle, FixedPointWeights, example_oracle
from circuits.grover import diffusion
from circuits.law import fixed_point_iterations, fixed_point_phases
from circuits.resources import count_circuit, crossovers, estimate, search_resources
from circuits.resources.gates import GateCounts
from circuits.resources.search import diffusion_gates, diffusion_turn, expected_fired, least_width, predicted_calls
from hybrid_train.errors import ConfigError

VARIANTS = [("all", 1), ("coordinate", 1), ("all", 2), ("all", 8)]


@settings(max_examples=60)
@given(
    st.integers(1, 150),
    st.integers(1, 5),
    st.integers(2, 5),
    st.integers(2, 6),
    st.sampled_from(VARIANTS),
    st.booleans(),
    st.booleans(),
    st.integers(0, 9),
    st.integers(0, 2**32 - 1),
)
def test_closed_form_equals_the_built_ripple_circuit(
    m: int, d: int, bits: int, query_bits: int, variant: Any, done: bool, measured: bool, spare: int, seed: int
) -> None:
    loading, swap = variant
    swap = swap if swap < 1 << max(1, (m - 1).bit_length()) else 1
    rng = np.random.default_rng(seed)
    weights, query = rng.standard_normal((m, d)), rng.standard_normal(d) * rng.integers(0, 2, d)
    options = {"swap": swap, "spare": spare}
    found = [0] if done else None
    oracle = ArithmeticOracle(weights, query, 0.5, bits, query_bits, found, adder="gidney", loading=loading, **options)
    circuit = oracle.circuit(measured=measured)
    integers = oracle.test.query.tolist()
    closed = estimate(m, d, bits, query_bits, variant=loading, query=integers, done=done, measured=measured, **options)
    assert count_circuit(circuit) == closed.gates
    assert circuit.num_qubits == closed.logical_qubits == oracle.n_qubits + oracle.n_ancillas


@pytest.mark.parametrize(("m", "d", "bits"), [(4, 1, 2), (16, 2, 3), (64, 3, 4), (11, 2, 3)])
def test_closed_form_of_the_fourier_circuit(m: int, d: int, bits: int) -> None:
    rng = np.random.default_rng(m)
    shared = FixedPointWeights(rng.standard_normal((m, d)), bits)
    for query in rng.standard_normal((20, d)):
        oracle = ArithmeticOracle(shared, query, 0.4)
        counted = count_circuit(oracle.circuit())
        closed = estimate(m, d, bits, variant="draper", query=oracle.test.query.tolist())
        assert oracle.n_qubits + oracle.n_ancillas == closed.logical_qubits
        constant = -(oracle.test.threshold + 1) - (1 << (bits - 1)) * int(oracle.test.query.sum())
        if constant % 2:
            assert (counted.rotations, counted.bare_t) == (closed.gates.rotations, closed.gates.bare_t)
        else:
            assert counted.rotations + counted.bare_t <= closed.gates.rotations + closed.gates.bare_t
        assert counted.ands <= 2.1 * closed.gates.ands + 8  # an expectation over weights, these are one draw
    assert closed.expected


def textbook(m: int, d: int, bits: int, digits: float, loading: str) -> Any:
    """The plain composition of published parts, p_x = p: T gates and qubits."""
    n, a = ceil(log2(m)), 2 * bits + ceil(log2(d)) + 1
    unload = 2 * sqrt(m) - 4
    if loading == "all":
        return 4 * ((m - 2) + 2 * digits * (a - 1) + unload), n + d * bits + a + max(n, a) - 1
    return 8 * d * (m - 2 + unload) + 8 * digits * (a - 1), n + bits + a + max(n, a) - 1


def test_the_figures_of_a_thousand_neurons() -> None:
    everything, coordinate = estimate(1024, 8, 4), estimate(1024, 8, 4, variant="coordinate")
    assert textbook(1024, 8, 4, 32 / 3, "all") == (pytest.approx(5267, abs=1), 65)
    assert textbook(1024, 8, 4, 32 / 3, "coordinate") == (pytest.approx(70_200, abs=50), 37)
    assert (everything.t_count, everything.logical_qubits) == (5012, 63)
    assert (coordinate.t_count, coordinate.logical_qubits) == (69_924, 35)
    assert everything.expected
    assert float(everything.digits) == pytest.approx(32 / 3)


@pytest.mark.parametrize("exponent", range(4, 31, 2))
@pytest.mark.parametrize("dim", [2, 8, 64])
def test_no_dearer_than_the_textbook(exponent: int, dim: int) -> None:
    m, bits = 1 << exponent, 4
    t_count, qubits = textbook(m, dim, bits, dim * bits / 3, "all")
    ours = estimate(m, dim, bits)
    assert ours.logical_qubits <= qubits
    if (1 << exponent // 2) <= dim * bits:  # enough words are freed for sqrt(m) columns
        assert ours.t_count <= t_count
    t_count, _ = textbook(m, dim, bits, dim * bits / 3, "coordinate")
    assert estimate(m, dim, bits, variant="coordinate", spare=1 << exponent // 2).t_count <= t_count


def test_expected_digits_are_close_to_true_ones() -> None:
    rng = np.random.default_rng(0)
    for query_bits in (4, 8, 12):
        top = 1 << (query_bits - 1)
        queries = rng.integers(1 - top, top, (400, 6))
        true = [estimate(256, 6, 4, query_bits, query=query.tolist()).gates.ands for query in queries]
        assert np.mean(true) == pytest.approx(estimate(256, 6, 4, query_bits).gates.ands, rel=0.12)


def test_swaps_trade_qubits_for_gates() -> None:
    plain, swapped = estimate(1 << 20, 8, 4), estimate(1 << 20, 8, 4, swap=64)
    assert swapped.t_count < plain.t_count / 40
    assert swapped.logical_qubits > 30 * 64


def test_huge_widths_take_no_time() -> None:
    start = time.perf_counter()
    for exponent in range(1, 61):
        search_resources((1 << exponent) - 1, 784, 8, variant="coordinate")
    assert time.perf_counter() - start < 2.0
    load = estimate(1 << 40, 1, 2, 2, query=[1], measured=False)
    assert load.gates.ands == 2 * ((1 << 40) - 2) + 3
    assert load.gates.and_depth == load.gates.ands


@pytest.mark.parametrize("m", [1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 100, 128, 1000])
def test_diffusion_equals_the_circuit(m: int) -> None:
    counted = count_circuit(diffusion(m))
    assert counted == diffusion_gates(m)
    assert count_circuit(diffusion(m, 0.7)) == diffusion_gates(m) + diffusion_turn(m)


@settings(max_examples=40)
@given(
    st.integers(1, 40),
    st.integers(1, 3),
    st.integers(2, 4),
    st.sampled_from([*VARIANTS[:3], ("draper", 1)]),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_closed_form_of_a_certificate_equals_its_circuits(
    m: int, d: int, bits: int, variant: Any, done: bool, seed: int
) -> None:
    """The first and the last iteration of a real certificate, with its own phases."""
    name, swap = variant
    swap = swap if swap < 1 << max(1, (m - 1).bit_length()) else 1
    rng = np.random.default_rng(seed)
    adder = {"adder": "draper"} if name == "draper" else {"adder": "gidney", "loading": name, "swap": swap}
    found = [0] if done else None
    oracle = ArithmeticOracle(rng.standard_normal((m, d)), rng.standard_normal(d), 0.5, bits, None, found, **adder)
    query = oracle.test.query.tolist()
    closed = search_resources(m, d, bits, variant=name, query=query, done=done, swap=swap)
    phases = fixed_point_phases(max(fixed_point_iterations(m, 1e-6), 1), 1e-6)
    measured = name != "draper"
    plain = count_circuit(oracle.circuit(measured=measured)) + count_circuit(diffusion(m))
    for at in (0, -1):
        turned = count_circuit(oracle.circuit(float(phases.oracle[at]), measured=measured))
        turned += count_circuit(diffusion(m, float(phases.diffusion[at])))
        assert turned.rotations - plain.rotations == closed.certificate_iteration.rotations - closed.iteration.rotations
        assert (turned.ands, turned.bare_t, turned.and_depth) == (plain.ands, plain.bare_t, plain.and_depth)
        assert turned == closed.certificate_iteration or name == "draper"


@pytest.mark.parametrize("query_bits", range(2, 9))
@pytest.mark.parametrize("variant", ["all", "coordinate"])
@pytest.mark.parametrize("m", [1, 2, 5, 16])
def test_one_component_is_no_matter_of_expectation(m: int, variant: str, query_bits: int) -> None:
    """Rounding makes any number the largest one there is, so that every circuit has the same gates."""
    rng = np.random.default_rng(query_bits)
    oracle = ArithmeticOracle(
        rng.standard_normal((m, 1)), rng.standard_normal(1), 0.1, 3, query_bits, adder="gidney", loading=variant
    )
    counted = count_circuit(oracle.circuit(measured=True))
    assert counted == estimate(m, 1, 3, query_bits, variant=variant).gates
    assert counted.ands >= 3


@settings(max_examples=60)
@given(st.integers(2, 3), st.integers(2, 6), st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_no_query_takes_fewer_additions_than_its_largest_component(
    d: int, bits: int, query_bits: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    top = (1 << (query_bits - 1)) - 1
    query = [top, *rng.integers(-top, top + 1, d - 1).tolist()]
    least = estimate(1, d, bits, query_bits, query=[top] + [0] * (d - 1)).gates.ands
    assert estimate(1, d, bits, query_bits).gates.ands >= least
    assert estimate(1, d, bits, query_bits, query=query).gates.ands >= least


def test_a_whole_search_adds_up() -> None:
    found = search_resources(1024, 8, 4, done=False)
    assert found.fired == pytest.approx(1024 * 0.04795, rel=1e-3)
    assert found.oracle_calls == predicted_calls(1024, found.fired, 1e-6)
    assert 300 < 1.38 * sqrt(1024 * found.fired) < found.oracle_calls < 450
    assert found.iteration == estimate(1024, 8, 4).gates + diffusion_gates(1024)
    certificate = found.certificate_calls
    assert certificate == predicted_calls(1024, 0.0, 1e-6)
    rotations = GateCounts(rotations=1 + 3) * certificate  # no live bit; nine of ten index qubits control
    assert found.gates == found.iteration * found.oracle_calls + rotations
    assert found.t_count == found.gates.t_count(1e-3 / (4 * certificate)) > 4 * found.gates.ands
    assert (found.memory_operations, found.scan_operations) == (2 * 8 * found.oracle_calls, 8192)
    assert search_resources(1024, 8, 4, oracle_calls=7).gates.ands == 7 * search_resources(1024, 8, 4).iteration.ands
    assert expected_fired(1000, 0.0) == 500


def test_loading_by_gates_never_crosses_a_classical_scan() -> None:
    least = crossovers(8, 4)
    assert least["ands"] is None
    for name, calls_an_item in (("oracle_calls", 1), ("memory_operations", 2)):
        width = least[name]
        assert width is not None
        below, above = search_resources(width // 2, 8, 4), search_resources(width, 8, 4)
        assert calls_an_item * above.oracle_calls < width
        assert calls_an_item * below.oracle_calls >= width // 2


def test_counting_by_hand() -> None:
    circuit = QuantumCircuit(5)
    circuit.ccx(0, 1, 2)
    circuit.ccx(0, 1, 3)
    circuit.mcx([0, 1, 2, 3], 4)
    circuit.t(0)
    circuit.p(np.pi / 2, 0)
    circuit.p(np.pi / 4, 0)
    circuit.p(0.3, 0)
    circuit.cp(np.pi, 0, 1)
    circuit.cp(np.pi / 2, 0, 1)
    circuit.cp(0.2, 0, 1)
    circuit.cry(np.pi / 2, 0, 1)
    circuit.cry(0.2, 0, 1)
    assert count_circuit(circuit) == GateCounts(ands=5, bare_t=2 + 3 + 2, rotations=1 + 3 + 2, and_depth=5)
    assert GateCounts(ands=5, bare_t=7, rotations=6).t_count(2**-10) == 20 + 7 + 6 * 30
    apart = QuantumCircuit(6)
    apart.ccx(0, 1, 2)
    apart.ccx(3, 4, 5)
    assert count_circuit(apart).and_depth == 1
    apart.barrier()
    apart.ccx(3, 4, 5)
    assert count_circuit(apart).and_depth == 2
    apart.iswap(0, 1)
    with pytest.raises(ConfigError, match="iswap"):
        count_circuit(apart)


def test_one_gate_more_is_noticed() -> None:
    oracle = example_oracle(16, 2, 3, variant="all")
    circuit = oracle.circuit()
    counted = count_circuit(circuit)
    circuit.ccx(0, 1, 2)
    assert count_circuit(circuit) != counted


def test_estimating_loads_no_qiskit() -> None:
    code = "import sys, circuits.resources as r; r.estimate(8, 2, 3); raise SystemExit('qiskit' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((0, 8, 4), {}, "width=0"),
        ((8, 0, 4), {}, "dim=0"),
        ((8, 8, 1), {}, "bits=1"),
        ((8, 8, 4, 1), {}, "query_bits=1"),
        ((10**70, 8, 4), {}, "width=1"),
        ((8, 10**30, 4), {}, "dim=1"),
        ((8, 8, 10**30), {}, "bits=1"),
        ((8, True, 4), {}, "dim=True"),
        ((float("nan"), 8, 4), {}, "width=nan"),
        ((8, 8, 4), {"spare": 10**70}, "spare=1"),
        ((8, 8, 4), {"swap": True}, "swap=True"),
        ((8, 8, 4), {"variant": "none"}, "variant='none'"),
        ((8, 8, 4), {"swap": 3}, "swap=3"),
        ((8, 8, 4), {"swap": 8}, "swap=8"),
        ((8, 8, 4), {"swap": 2, "variant": "coordinate"}, "swap=2"),
        ((8, 8, 4), {"spare": -1}, "spare=-1"),
        ((8, 2, 4), {"query": [1]}, "dim=2"),
        ((8, 1, 4), {"query": [8]}, "query_bits=4"),
    ],
)
def test_bad_sizes_are_named(arguments: Any, options: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        estimate(*arguments, **options)


def test_bad_searches_are_named() -> None:
    with pytest.raises(ConfigError, match="delta=0"):
        search_resources(8, 2, 3, delta=0.0)
    with pytest.raises(ConfigError, match="threshold=nan"):
        search_resources(8, 2, 3, threshold=float("nan"))
    with pytest.raises(ConfigError, match="delta=True"):
        search_resources(8, 2, 3, delta=True)
    with pytest.raises(ConfigError, match="oracle_calls=-1"):
        search_resources(8, 2, 3, oracle_calls=-1)
    with pytest.raises(ConfigError, match="precision=2"):
        GateCounts().t_count(2.0)


@pytest.mark.parametrize(
    ("below", "first", "width"),
    [
        ([True, False, True, True], 1, 8),
        ([False, True], 3, 16),
        ([True, True], 2, 4),
        ([True, False], 1, None),
        ([], 1, None),
    ],
)
def test_the_least_width_is_where_it_holds_from_there_on(below: list[bool], first: int, width: int | None) -> None:
    assert least_width(below, first) == width
