"""Physical cost: what the estimator is told, and what it says for circuits whose cost is known otherwise."""

from __future__ import annotations

import subprocess
import sys

import pytest

from circuits.resources import MODELS, logical_counts, physical_cost, search_resources
from circuits.resources.gates import GateCounts
from hybrid_train.errors import ConfigError

A_BILLION = logical_counts(1000, GateCounts(bare_t=10**9))


def test_an_and_is_a_toffoli_and_a_measurement() -> None:
    counts = logical_counts(7, GateCounts(ands=5, bare_t=3, rotations=2, and_depth=4))
    assert counts == {
        "numQubits": 7,
        "tCount": 3,
        "rotationCount": 2,
        "rotationDepth": 2,
        "cczCount": 5,
        "ccixCount": 0,
        "measurementCount": 5,
    }


@pytest.mark.parametrize("model", ["qubit_gate_ns_e5", "", "QUBIT_GATE_NS_E3"])
def test_an_unknown_model_is_refused(model: str) -> None:
    with pytest.raises(ConfigError, match="expected one of qubit_gate_ns_e3"):
        physical_cost(A_BILLION, model)


@pytest.mark.parametrize("budget", [0.0, 1.0, -1e-3, float("nan"), float("inf")])
def test_an_impossible_budget_is_refused(budget: float) -> None:
    with pytest.raises(ConfigError, match="error_budget="):
        physical_cost(A_BILLION, "qubit_gate_ns_e3", budget)


def test_a_missing_estimator_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "qdk", None)
    with pytest.raises(ConfigError, match=r"pip install 'hybrid-train\[physical\]'"):
        physical_cost(A_BILLION, "qubit_gate_ns_e3")


@pytest.mark.peers
def test_a_billion_t_gates_on_a_thousand_qubits() -> None:
    """By the textbook: 2 d^2 qubits a tile, d rounds of 400 ns a gate, p_L = 0.03 (10 p)^((d + 1) / 2)."""
    pytest.importorskip("qdk")
    found = physical_cost(A_BILLION, "qubit_gate_ns_e3")
    assert found.reason is None
    assert found.logical_qubits == 2 * 1000 + 91  # fast blocks: 2 n + sqrt(8 n) + 1
    tiles = found.logical_qubits * 10**9

    def failing(distance: int) -> float:
        return tiles * 0.03 * 0.1 ** ((distance + 1) / 2)

    assert found.code_distance == next(d for d in range(1, 50, 2) if failing(d) <= 0.5e-3)
    assert found.seconds == pytest.approx(10**9 * found.code_distance * 400e-9)
    assert found.physical_qubits is not None
    assert found.physical_qubits > found.logical_qubits * 2 * found.code_distance**2
    assert found.decoder_operations == pytest.approx(found.physical_qubits * 10**9 * found.code_distance)
    better = physical_cost(A_BILLION, "qubit_gate_ns_e4")
    assert better.physical_qubits is not None
    assert better.physical_qubits < found.physical_qubits / 3


@pytest.mark.peers
def test_a_query_of_a_million_neurons_takes_a_million_qubits_and_months() -> None:
    pytest.importorskip("qdk")
    found = search_resources(1 << 20, 8, 4)
    cost = physical_cost(logical_counts(found.oracle.logical_qubits, found.gates), "qubit_gate_ns_e3")
    assert cost.physical_qubits == pytest.approx(1.15e6, rel=0.1)
    assert cost.seconds == pytest.approx(83 * 86400, rel=0.1)


@pytest.mark.peers
@pytest.mark.parametrize("model", MODELS)
def test_every_model_has_a_code(model: str) -> None:
    pytest.importorskip("qdk")
    assert physical_cost(A_BILLION, model).reason is None


@pytest.mark.peers
def test_what_cannot_be_estimated_says_why() -> None:
    pytest.importorskip("qdk")
    nothing = physical_cost(logical_counts(5, GateCounts()), "qubit_gate_ns_e3")
    beyond = physical_cost(logical_counts(5, GateCounts(ands=1 << 63)), "qubit_gate_ns_e3")
    long = physical_cost(logical_counts(50, GateCounts(ands=10**15)), "qubit_gate_ns_e3")
    tight = physical_cost(A_BILLION, "qubit_gate_ns_e3", 1e-30)
    for found, why in ((nothing, "magic state"), (beyond, "584 years"), (long, "584 years"), (tight, "")):
        assert (found.physical_qubits, found.seconds) == (None, None)
        assert found.reason
        assert why in found.reason


@pytest.mark.peers
def test_the_telemetry_is_off() -> None:
    pytest.importorskip("qdk")
    code = (
        "from circuits.resources import physical_cost, logical_counts; from circuits.resources.gates import GateCounts;"
        "physical_cost(logical_counts(9, GateCounts(bare_t=100)), 'qubit_gate_ns_e3');"
        "from qdk import telemetry; print(telemetry.TELEMETRY_ENABLED)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
