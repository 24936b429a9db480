"""What a search and its rivals cost per query and step, in three ways of counting, at any width."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from typing import final

import numpy as np

from circuits.law import LEAST_SHARE
from circuits.resources import search_resources
from circuits.resources.search import LARGEST_EXPONENT, OPERATIONS_PER_COORDINATE
from circuits.strategies import compared_strategies, load_strategy
from hybrid_train.errors import ConfigError
from hybrid_train.experiments.journal import Journal
from hybrid_train.network.sparsity import expected_fired
from hybrid_train.studies.physical import Machine
from hybrid_train.studies.search_growth import SearchGrowth, played_searches
from hybrid_train.studies.training_growth import TrainingCounts, TrainingGrowth, measured_training, measured_widths
from hybrid_train.support.checks import checked_positive, checked_probability, checked_whole
from hybrid_train.support.power_law import PowerLaw
from hybrid_train.support.progress import with_progress

STRATEGIES = compared_strategies()
"""What is compared unless other strategies are asked for."""

MOST_MEASURED = 1 << 14
"""Data, and coordinates, that the trainings may have: four thousand neurons of them are some hundred megabytes."""

_MEASURED_S = 0.2
_START = "adaptive"
"""The strategy of a warm run's first search."""

_SLOWEST, _FASTEST = 1e-30, 1e60
"""Operations a second. Times at the widest still are finite numbers."""


@final
@dataclass(frozen=True)
class CrossoverOptions:
    """What the comparison assumes, checked at birth.

    Attributes:
        dim: d.
        n: data, that is queries a step.
        bits: p of a weight.
        query_bits: p_x of a query component; p if None.
        steps: T, over which the first step's cost is shared out.
        delta: in (0, 1), the probability that one search misses a neuron.
        strategies: names.
        swap: neurons that the oracle loads together; None for as many as take the fewest Toffoli at each width.
        toffoli_rate: logical Toffoli gates a second, one after another.
        classical_rate: multiply-adds a second; None to measure this machine.
        seed: of the trainings and searches that are counted.
        physical: qubit models for which times on an error-corrected machine are estimated too, see
            :class:`hybrid_train.studies.physical.Machine`.
        error_budget: probability that such a query goes wrong.

    Raises:
        ConfigError: a size or option out of range.
    """

    dim: int = 16
    n: int = 64
    bits: int = 8
    query_bits: int | None = None
    steps: int = 100
    delta: float = 1e-6
    strategies: tuple[str, ...] = STRATEGIES
    swap: int | None = None
    toffoli_rate: float = 1e6
    classical_rate: float | None = None
    seed: int = 0
    physical: tuple[str, ...] = ()
    error_budget: float = 1e-3

    def __post_init__(self) -> None:
        if self.physical:
            Machine(self.physical, self.error_budget)
        checked_whole(self.steps, "steps", 1, 1 << LARGEST_EXPONENT)
        for name in ("n", "dim"):
            checked_whole(getattr(self, name), name, 1, MOST_MEASURED)
        for name in ("toffoli_rate", "classical_rate"):
            rate = getattr(self, name)
            if rate is not None and not _SLOWEST <= checked_positive(rate, name) <= _FASTEST:
                raise ConfigError(f"{name}={rate!r}: must be from {_SLOWEST:g} to {_FASTEST:g} a second")
        checked_whole(self.seed, "seed", 0, 1 << 128)
        checked_probability(self.delta, "delta", LEAST_SHARE)
        if not self.strategies or len(set(self.strategies)) < len(self.strategies):
            raise ConfigError(f"strategies={','.join(self.strategies)!r}: expected distinct names, at least one")
        for name in self.strategies:
            load_strategy(name)
        widest = 1 << LARGEST_EXPONENT
        search_resources(widest, self.dim, self.bits, self.query_bits, delta=self.delta, swap=self.swap or 1)

    def toffoli(self, width: int) -> int:
        """Return the Toffoli gates of one Grover iteration, the weights loaded by gates."""
        return self.iteration(width)[0]

    def iteration(self, width: int) -> tuple[int, int]:
        """Return the Toffoli gates of one Grover iteration and its logical qubits, the weights loaded by gates."""
        sizes = self.dim, self.bits, self.query_bits
        if self.swap is not None:
            swaps = [self.swap] if self.swap < width else [1]
        else:
            swaps = [1 << low for low in range(max(1, width.bit_length() - 1))]
        found = (search_resources(width, *sizes, swap=swap) for swap in swaps)
        return min((one.iteration.ands, one.oracle.logical_qubits) for one in found)


@final
@dataclass(frozen=True)
class CostModel:
    """What one query of one step costs, by column: the three ways of counting.

    Attributes:
        options: the assumptions.
        classical_rate: multiply-adds a second.
        training: laws of the ``skin`` finder and of the newcomers.
        searches: laws of the strategies, and of the one that a warm run starts with.
    """

    options: CrossoverOptions
    classical_rate: float
    training: TrainingGrowth
    searches: dict[str, SearchGrowth]

    def scan(self, width: int) -> dict[str, float]:
        """Return the cost of m inner products."""
        return self._classical(float(width), 0.0)

    def skin(self, width: int) -> dict[str, float]:
        """Return the cost of list entries, rescans, and a T-th of the first scan."""
        entries, scanned = self.training.entries(width), self.training.inner_products(width)
        following = entries * self.training.operations_an_entry(width)
        costs = self._classical(scanned + width / self.options.steps, following)
        return costs | {"oracle_calls": costs["oracle_calls"] + entries}

    def search(self, strategy: str, width: int, toffoli: int) -> dict[str, float]:
        """Return the cost of finding all fired neurons by Grover search; a warm one is cold once in T steps.

        Args:
            strategy: its name.
            width: m.
            toffoli: gates of one Grover iteration.
        """
        return self._quantum(*self.work(strategy, width), toffoli)

    def work(self, strategy: str, width: int) -> tuple[float, float]:
        """Return (oracle calls, verifications) of :meth:`search`."""
        law, fired = self.searches[strategy], expected_fired(width)
        if not law.warm:
            return law.oracle_calls(width, fired), law.runs(width, fired)
        cold, share = self.searches[_START], 1.0 / self.options.steps
        newcomers = min(self.training.newcomers(width), fired)
        calls = (1 - share) * law.oracle_calls(width, newcomers) + share * cold.oracle_calls(width, fired)
        checks = (1 - share) * (fired + law.runs(width, newcomers)) + share * cold.runs(width, fired)
        return calls, checks

    def _classical(self, inner_products: float, further: float) -> dict[str, float]:
        operations = inner_products * self.options.dim + further
        seconds = operations / self.classical_rate
        return {"oracle_calls": inner_products, "quantum_memory": operations, "qrom_gates": seconds}

    def _quantum(self, calls: float, checks: float, toffoli: int) -> dict[str, float]:
        dim = self.options.dim
        seconds = calls * toffoli / self.options.toffoli_rate + checks * dim / self.classical_rate
        return {
            "oracle_calls": calls + checks,
            "quantum_memory": (OPERATIONS_PER_COORDINATE * calls + checks) * dim,
            "qrom_gates": seconds,
        }


def measured_model(options: CrossoverOptions, progress: bool, kept: Journal | None = None) -> CostModel:
    """Train and search as far as the options ask for, and return the fitted costs.

    Args:
        options: the assumptions.
        progress: show bars.
        kept: has what was counted before, and takes what is counted now.
    """
    piece = (kept or Journal()).piece
    rate = options.classical_rate or float(piece("multiply-adds a second", lambda: measured_rate(options.dim)))

    def trained(width: int) -> TrainingCounts:
        work = partial(measured_training, width, options.n, options.dim, options.steps, options.seed)
        return TrainingCounts(**piece(f"training at m={width}", lambda: asdict(work())))

    def searched(name: str, newcomers: PowerLaw) -> SearchGrowth:
        work = partial(played_searches, name, options.delta, newcomers, options.seed)
        return SearchGrowth.of(piece(f"searches of {name}", lambda: asdict(work())))

    widths = measured_widths(options.n, options.dim)
    counts = list(with_progress(map(trained, widths), len(widths), "trainings", shown=progress))
    growth = TrainingGrowth.of(counts)
    names = list(dict.fromkeys([*options.strategies, _START]))
    played = (searched(name, growth.newcomers) for name in names)
    searches = with_progress(played, len(names), "searches", shown=progress)
    laws = {law.strategy: law for law in searches}
    return CostModel(options, rate, growth, laws)


@lru_cache(maxsize=8)
def measured_rate(dim: int) -> float:
    """Return the multiply-adds a second of a blocked dense scan on this machine, at its best within a moment."""
    rng = np.random.default_rng(0)
    queries, weights = rng.standard_normal((64, dim)), rng.standard_normal((4096, dim))
    fastest, begun = np.inf, time.perf_counter()
    while time.perf_counter() - begun < _MEASURED_S:
        start = time.perf_counter()
        _ = queries @ weights.T > 1.0
        fastest = min(fastest, time.perf_counter() - start)
    return float(queries.shape[0] * weights.shape[0] * dim / fastest)
