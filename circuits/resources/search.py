"""From one oracle call to a Grover iteration and to finding every fired neuron of a query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isfinite, log, sqrt
from typing import final

from circuits.arithmetic.fixed_point import Variant
from circuits.law import LEAST_SHARE
from circuits.resources.gates import GateCounts
from circuits.resources.oracle import LARGEST_WIDTH, OracleResources, estimate
from hybrid_train.errors import ConfigError
from hybrid_train.network.sparsity import expected_active
from hybrid_train.support.checks import checked_probability, checked_whole

_KNOWN_COUNT = 1.38
"""Oracle calls of finding all k of m with k known, over sqrt(m k): min over j of (j + 1) / p_j, summed."""

OPERATIONS_PER_COORDINATE = 2
"""With a quantum memory an oracle call multiplies and adds each of d coordinates, and undoes it."""

TOTAL_PRECISION = 1e-3
"""Of all rotations of one search together."""

LARGEST_EXPONENT = 60
"""Crossovers are looked for up to this power of two."""


@final
@dataclass(frozen=True)
class SearchResources:
    """What it takes to find all fired neurons of one query, beside a classical scan.

    Attributes:
        oracle: one call.
        diffusion: the reflection about the uniform state over m items, on qubits that the oracle has anyway.
        iteration: both.
        certificate_iteration: both with phases other than pi: a certificate's rotations come on top.
        fired: k.
        oracle_calls: Grover iterations of the whole search, its certificate included.
        certificate_calls: those of them that belong to the certificate.
        memory_operations: ``oracle_calls`` times 2 d, a multiply-add for each coordinate and its undoing: what it
            would be if a quantum memory gave all d words of a neuron for nothing.
        gates: all iterations, with the weights loaded by gates.
        scan_operations: m d multiply-adds of a classical scan.
    """

    oracle: OracleResources
    diffusion: GateCounts
    iteration: GateCounts
    certificate_iteration: GateCounts
    fired: float
    oracle_calls: int
    certificate_calls: int
    memory_operations: int
    gates: GateCounts
    scan_operations: int

    @property
    def rotation_precision(self) -> float:
        """How precise each rotation of the whole search is: 1e-3 in total, shared out over all of them."""
        return TOTAL_PRECISION / max(self.gates.rotations, 1)

    @property
    def t_count(self) -> int:
        """T gates of the whole search, each rotation synthesised to :attr:`rotation_precision`."""
        return self.gates.t_count(self.rotation_precision)


def diffusion_gates(width: int) -> GateCounts:
    """Return the cost of reflecting about the uniform state over exactly m items.

    n - 2 ANDs flip the sign of one state of n qubits. Away from powers of two the state is prepared by a tree over
    the set bits of m and unprepared again (Shukla, Vedula 2024): a controlled sqrt(Y) for each bit between the lowest
    and the highest, two T gates each, and controlled rotations for all set bits but two, plus one rotation.

    Args:
        width: m, at least 1.
    """
    index = max(1, (width - 1).bit_length())
    set_bits = width.bit_count()
    lowest = (width & -width).bit_length() - 1
    flip = GateCounts(ands=max(index - 2, 0), and_depth=max(index - 2, 0))
    if set_bits == 1:
        return flip
    return flip + GateCounts(bare_t=2 * (width.bit_length() - 1 - lowest), rotations=1 + 2 * (set_bits - 2)) * 2


def diffusion_turn(width: int) -> GateCounts:
    """Return what it costs more to turn by another angle than pi: a controlled rotation, or one of a single qubit.

    Args:
        width: m, at least 1.
    """
    return GateCounts(rotations=3 if width > 2 else 1)


def search_resources(
    width: int,
    dim: int,
    bits: int,
    query_bits: int | None = None,
    *,
    variant: Variant = "all",
    query: Sequence[int] | None = None,
    threshold: float | None = None,
    oracle_calls: int | None = None,
    delta: float = 1e-6,
    done: bool = True,
    measured: bool = True,
    swap: int = 1,
    spare: int = 0,
) -> SearchResources:
    """Return the cost of finding all fired neurons of a unit query at the start of training.

    k = m P(N(0,1) > b) neurons fire. With the calls left out, they are 1.38 sqrt(m k) for the hits and
    (1/2) ln(2 / sqrt(delta)) sqrt(m) for the certificate that none is left (Yoder, Low, Chuang 2014); the oracle
    turns by any phase in one use, so the certificate's iterations are no dearer but for their rotations: each turns the
    marked items and the uniform state by an angle of its own.

    Args:
        width: m.
        dim: d.
        bits: p of a weight.
        query_bits: p_x of a query component; p if left out.
        variant: of the oracle.
        query: (d,) integers of one query, see :func:`circuits.resources.estimate`.
        threshold: b; sqrt(0.4 ln m) if left out.
        oracle_calls: a figure measured or predicted elsewhere, the certificate's included.
        delta: in (0, 1), the probability that something is missed.
        done: whether found items are unmarked, see :func:`circuits.resources.estimate`.
        measured: see there.
        swap: see there.
        spare: see there.

    Raises:
        ConfigError: a size or option out of range.
    """
    _check(delta, threshold, oracle_calls)
    options = {"done": done, "measured": measured}
    oracle = estimate(width, dim, bits, query_bits, variant=variant, query=query, swap=swap, spare=spare, **options)
    fired = expected_fired(width, threshold)
    calls = predicted_calls(width, fired, delta) if oracle_calls is None else oracle_calls
    certificate = min(predicted_calls(width, 0.0, delta), calls)
    diffusion = diffusion_gates(width)
    iteration = oracle.gates + diffusion
    turning = iteration + oracle.turn + diffusion_turn(width)
    operations = calls * OPERATIONS_PER_COORDINATE * dim
    gates = iteration * (calls - certificate) + turning * certificate
    return SearchResources(
        oracle, diffusion, iteration, turning, fired, calls, certificate, operations, gates, scan_operations=width * dim
    )


def _check(delta: float, threshold: float | None, oracle_calls: int | None) -> None:
    checked_probability(delta, "delta", LEAST_SHARE)
    if threshold is not None and not isfinite(threshold):
        raise ConfigError(f"threshold={threshold}: must be a finite number")
    if oracle_calls is not None:
        checked_whole(oracle_calls, "oracle_calls", 0, LARGEST_WIDTH)


def expected_fired(width: int, threshold: float | None = None) -> float:
    """Return k = m P(N(0,1) > b), with b = sqrt(0.4 ln m) if left out."""
    threshold = sqrt(0.4 * log(width)) if threshold is None else threshold
    return expected_active(width, threshold)


def predicted_calls(width: int, fired: float, delta: float) -> int:
    """Return the Grover iterations to find k of m items and to certify that none is left."""
    certificate = 0.5 * log(2.0 / sqrt(delta)) * sqrt(width)
    return ceil(_KNOWN_COUNT * sqrt(width * fired) + certificate)


def crossovers(
    dim: int, bits: int, query_bits: int | None = None, *, variant: Variant = "all", delta: float = 1e-6
) -> dict[str, int | None]:
    """Return the least power-of-two width from which each column stays below a classical scan; None for never.

    Never means up to 2^60. The columns are ``oracle_calls`` (against m inner products), ``memory_operations`` and
    ``ands`` (both against m d multiply-adds).

    Args:
        dim: d.
        bits: p of a weight.
        query_bits: p_x of a query component; p if left out.
        variant: of the oracle.
        delta: in (0, 1), of the search.
    """
    below: dict[str, list[bool]] = {"oracle_calls": [], "memory_operations": [], "ands": []}
    for exponent in range(1, LARGEST_EXPONENT + 1):
        width = 1 << exponent
        found = search_resources(width, dim, bits, query_bits, variant=variant, delta=delta)
        below["oracle_calls"].append(found.oracle_calls < width)
        below["memory_operations"].append(found.memory_operations < found.scan_operations)
        below["ands"].append(found.gates.ands < found.scan_operations)
    return {name: least_width(flags) for name, flags in below.items()}


def least_width(below: Sequence[bool], first: int = 1) -> int | None:
    """Return 2^e for the first e from which all flags hold; None if the last one fails.

    Args:
        below: flag i is about 2^(first + i).
        first: exponent of the first flag.
    """
    holding = 0
    for flag in reversed(below):
        if not flag:
            break
        holding += 1
    return 1 << (len(below) - holding + first) if holding else None
