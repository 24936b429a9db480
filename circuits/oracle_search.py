"""Finding all that an oracle marks: the search of the finders, for anybody's oracle."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt
from qiskit import QuantumCircuit, transpile
from qiskit.providers import BackendV2

from circuits.cnf.formula import Formula
from circuits.draws import stream_keys
from circuits.engines.choice import make_engine
from circuits.engines.engine import Engine, Run
from circuits.engines.marked import MarkedItems
from circuits.engines.recorded import RecordedEngine
from circuits.given import Given, Predicate, given
from circuits.grover import grover_circuit
from circuits.law import LEAST_SHARE, fixed_point_iterations
from circuits.lookup import LookupOracle
from circuits.monitored import monitored_circuit
from circuits.oracle import Oracle, bit_oracle
from circuits.register import MOST_ITEMS
from circuits.search import Stop, Verifier, run_searches
from circuits.strategies import DEFAULT_STRATEGY, load_strategy
from circuits.strategies.strategy import Estimate
from hybrid_train.errors import ConfigError, ResourceError
from hybrid_train.finder.cost import Cost, SimulationCost
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.checks import checked_probability, checked_whole
from hybrid_train.support.declared import (
    an,
    array,
    checked,
    either,
    function,
    inside,
    name_of,
    optional,
    proportion,
    real,
    size,
    whole,
    word,
)
from hybrid_train.support.memory import available_bytes

BASIS = ("cx", "rz", "sx", "x")
"""Gates that circuits are rewritten in for a report, unless a backend or other ones are named."""

_GATE_BYTES = 8192
"""Taken by a gate in the circuit and a simulator's program together."""


@final
@dataclass(frozen=True, eq=False)
class FoundAll:
    """What a search found, why it stopped, and what it cost.

    Attributes:
        items: (k,) the verified items, ascending.
        stop: why it ended, and the most probable it can be that something was missed.
        cost: the ledger, as a Grover finder has it; an inner product is one classical test of an item.
        simulation: what imitating a quantum computer took.
        estimate: of the number of marked items, by the strategy ``counting``.
        verified_by: who decided whether a measured item counts.
        n_items: m.
        n_qubits: of the circuits, ancillas included.
        jobs: handed to a sampler or backend; None without one.
        shots: that it made, idle ones included; None without one.
    """

    items: IntArray
    stop: Stop
    cost: Cost
    simulation: SimulationCost
    estimate: Estimate | None
    verified_by: str
    n_items: int
    n_qubits: int
    jobs: int | None
    shots: int | None
    _what: Given
    _runs: dict[tuple[Run, int], int]
    _unmarked: list[int]
    _backend: BackendV2 | None

    def circuits(self) -> list[tuple[QuantumCircuit, int]]:
        """Return each circuit that was run, as it was built, and how often it was run."""
        return [(self._circuit(run, unmarked), times) for (run, unmarked), times in self._runs.items()]

    def report(
        self, *, basis_gates: Sequence[str] = BASIS, backend: BackendV2 | None = None, optimization_level: int = 1
    ) -> list[dict[str, Any]]:
        """Transpile each circuit that was run and return what it takes then.

        Args:
            basis_gates: to rewrite in; not used with a backend.
            backend: to transpile to; that of the search by default, if it had one.
            optimization_level: of Qiskit's transpiler, 0 to 3.

        Returns:
            For each circuit: ``iterations``, ``generalised`` (whether its phases are not pi), ``mid_measurements`` (of
            an ancilla, were there no herald), ``unmarked`` (items turned back), ``runs``, ``qubits``, ``depth``,
            ``two_qubit_gates`` and ``gates`` in all.

        Raises:
            ConfigError: another level.
        """
        checked_whole(optimization_level, "optimization_level", 0, 3)
        machine = self._backend if backend is None else backend
        target: dict[str, Any] = {"basis_gates": list(basis_gates)} if machine is None else {"backend": machine}
        rows = []
        for (run, unmarked), times in self._runs.items():
            circuit = self._circuit(run, unmarked, stops=False)
            done = transpile(circuit, optimization_level=optimization_level, seed_transpiler=0, **target)
            rows.append(
                {
                    "iterations": run.iterations,
                    "generalised": run.phases is not None,
                    "mid_measurements": run.measured_within(run.iterations),
                    "unmarked": unmarked,
                    "runs": times,
                    "qubits": circuit.num_qubits,
                    "depth": done.depth(),
                    "two_qubit_gates": sum(len(one.qubits) == 2 for one in done.data),
                    "gates": sum(done.count_ops().values()),
                }
            )
        return rows

    def document(self) -> dict[str, Any]:
        """Return everything but the circuits, ready for JSON."""
        estimate = self.estimate
        return {
            "items": self.items.tolist(),
            "stop": self.stop.reason,
            "miss_probability": self.stop.miss_probability,
            "n_items": self.n_items,
            "n_qubits": self.n_qubits,
            "verified_by": self.verified_by,
            "jobs": self.jobs,
            "shots": self.shots,
            "cost": self.cost.as_dict(),
            "simulation": self.simulation.as_dict(),
            "estimate": None if estimate is None else [estimate.low, estimate.value, estimate.high],
        }

    def _circuit(self, run: Run, unmarked: int, *, stops: bool = True) -> QuantumCircuit:
        left = np.setdiff1d(self._what.marked, self._unmarked[:unmarked])
        oracles = self._what.oracles
        oracle = LookupOracle(left, self._what.register) if oracles is None else oracles.oracle(0, left)
        if run.stages:
            return monitored_circuit(bit_oracle(oracle), run.stages, stops=stops)
        return grover_circuit(oracle, run.iterations, phases=run.phases, boxes=False)


@checked(
    oracle=inside(array(1, "iub", empty=True)),
    n_items=inside(optional(size(MOST_ITEMS))),
    strategy=name_of("strategy"),
    delta=inside(proportion()),
    engine=either(name_of("engine"), an(Engine)),
    seed=inside(whole(0, (1 << 63) - 1)),
    is_marked=optional(function()),
    growth=optional(real(above=1, below=4 / 3)),
    prior=optional(word("flat")),
)
def find_all(
    oracle: Oracle | Predicate | Formula | npt.ArrayLike | str | os.PathLike[str] | Iterable[int],
    n_items: int | None = None,
    *,
    strategy: str = DEFAULT_STRATEGY,
    delta: float = 1e-6,
    engine: str | Engine = "aer",
    seed: int = 0,
    is_marked: Predicate | None = None,
    growth: float | None = None,
    prior: str | None = None,
    **machine: Any,
) -> FoundAll:
    """Find every item that an oracle marks, their number unknown, each of them verified classically.

    Args:
        oracle: an oracle (``LookupOracle``, ``ArithmeticOracle``, ``CnfOracle``, or an object of one's own with
            ``n_items``, ``n_qubits`` and ``circuit(phase)``); a predicate of an index; a mask of booleans or marked
            indices; a :class:`circuits.cnf.Formula`, or the path of a DIMACS CNF file, whose items are the assignments
            (bit v - 1 is variable v).
        n_items: m, for a predicate or indices.
        strategy: a key of :data:`circuits.strategies.STRATEGIES`; ``known_k`` and ``exact`` are told the number.
        delta: in (0, 1), the probability that something is missed.
        engine: ``aer``, ``closed_form``, or an engine.
        seed: of everything drawn.
        is_marked: the classical test of an oracle of one's own; without it the oracle is simulated once to read off
            what it marks.
        growth: of ``bbht``.
        prior: of ``adaptive``: "flat".
        machine: ``noise``, ``sampler``, ``pass_manager``, ``backend``, ``shots``, ``method``, ``device`` and
            ``precision``, as :class:`circuits.GroverFinder` takes them.

    Raises:
        ConfigError: an option is out of range, given where it does not apply, or the oracle is none.
        DataError: a mask, indices or a file that are no such things.
        ResourceError: it does not fit this machine, or the machine errs too much.
    """
    checked_probability(delta, "delta", LEAST_SHARE)
    checked_whole(seed, "seed", 0, (1 << 63) - 1)
    rule = load_strategy(strategy, growth=growth, prior=prior)
    if rule.remembers:
        raise ConfigError(f"strategy={strategy!r}: a single search has nothing to remember; take 'adaptive'")
    carrying = _engine(engine, machine)
    runner = RecordedEngine(carrying)
    what = given(oracle, n_items, is_marked)
    if machine.get("noise") is not None and what.oracles is not None:
        raise ConfigError("noise: simulated for tables of what is marked alone; leave it out, or give a mask")
    carrying.check_monitors(strategy, rule.monitors)
    if rule.monitors and what.oracles is not None:
        bit_oracle(what.oracle)
    n_ancillas = _check_fits(runner, what, delta, builds=engine != "closed_form")
    if rule.monitors:
        runner.check_monitored(what.register, n_ancillas)
    simulation = runner.start_over()
    simulation.oracle_entries += what.register.n_items
    marked = MarkedItems(np.array([0, len(what.marked)]), what.marked, what.register, what.oracles)
    searches = rule.start(
        marked.n_items, [delta], stream_keys(np.random.SeedSequence(seed), [0]), n_marked=marked.counts
    )
    cost = Cost()
    (found,) = run_searches(searches, marked=marked, engine=runner, verifier=_Table(what.marked), cost=cost)
    return FoundAll(
        items=np.sort(np.fromiter(found.inner_products, np.int64, len(found.inner_products))),
        stop=found.stop,
        cost=cost,
        simulation=simulation,
        estimate=rule.estimates(searches)[0],
        verified_by=what.verified,
        n_items=what.register.n_items,
        n_qubits=what.register.n_qubits + n_ancillas,
        jobs=getattr(carrying, "jobs", None),
        shots=getattr(carrying, "shots_made", None),
        _what=what,
        _runs=runner.runs,
        _unmarked=[item for _, item in marked.unmarked],
        _backend=machine.get("backend"),
    )


def _engine(engine: str | Engine, machine: dict[str, Any]) -> Engine:
    if isinstance(engine, Engine):
        idle = [name for name, value in machine.items() if value is not None]
        if idle:
            raise ConfigError(f"{' and '.join(idle)}: the engine is given; leave it out")
        return engine
    try:
        return make_engine(engine, **machine)
    except TypeError:
        known = "noise, sampler, pass_manager, backend, shots, method, device, precision"
        raise ConfigError(f"{', '.join(machine)}: of the machine there are {known}") from None


def _check_fits(engine: Engine, what: Given, delta: float, *, builds: bool) -> int:
    """Return how many ancillas there are, if the engine can carry the circuits out.

    Raises:
        ResourceError: it cannot.
    """
    engine.check_resources(what.register)
    if what.oracles is None:
        return 0
    circuit = what.oracles.oracle(0, what.marked).circuit()
    n_ancillas = int(circuit.num_qubits) - what.register.n_qubits
    if builds:
        engine.check_register(what.register, n_ancillas)
        longest = int(fixed_point_iterations(what.register.n_items, delta / 2.0))
        needed = longest * len(circuit.data) * _GATE_BYTES
        if needed > available_bytes():
            raise ResourceError(
                f"oracle: its {len(circuit.data)} gates, {longest} times in a circuit, need about {needed} bytes of "
                f"memory but {available_bytes()} are available; take engine='closed_form', which samples the law of "
                "the circuits"
            )
    return n_ancillas


@final
class _Table(Verifier):
    """A classical test of each measured item, looked up."""

    def __init__(self, marked: IntArray) -> None:
        self._marked = marked

    def inner_products(self, searches: IntArray, items: IntArray) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
        active = np.isin(items, self._marked)
        return active.astype(np.float64), active
