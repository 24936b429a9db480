"""One search over all pairs of n data and m neurons beside n searches over the neurons: qubits and oracle calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from circuits.arithmetic.fixed_point import accumulator_bits
from circuits.resources.oracle import LARGEST_WIDTH
from circuits.resources.search import expected_fired, predicted_calls
from hybrid_train.support.checks import checked_whole


@final
@dataclass(frozen=True)
class PairResources:
    """What one search over all pairs takes, and the same by a search for each datum.

    Attributes:
        index_qubits: of the register over (datum, neuron).
        logical_qubits: with both words, the accumulator and the live bit: those of
            :class:`circuits.arithmetic.PairArithmeticOracle`, whose adder is Draper's.
        fired: pairs that fire, in the mean.
        oracle_calls: of the one search, its certificate included.
        certificate_calls: those of them that certify that none is left.
        apart_oracle_calls: of n searches that miss with delta all together.
        apart_certificate_calls: likewise.
    """

    index_qubits: int
    logical_qubits: int
    fired: float
    oracle_calls: int
    certificate_calls: int
    apart_oracle_calls: int
    apart_certificate_calls: int


def pair_resources(
    n: int, width: int, dim: int, bits: int, query_bits: int | None = None, *, delta: float = 1e-6
) -> PairResources:
    """Return what finding all fired neurons of n unit data at once takes, at the start of training.

    Args:
        n: data.
        width: m.
        dim: d.
        bits: p of a weight.
        query_bits: p_x of a component of a datum; p if left out.
        delta: in (0, 1), the probability that something is missed.

    Raises:
        ConfigError: a size out of range.
    """
    checked_whole(n, "n", 1, LARGEST_WIDTH)
    checked_whole(width, "width", 1, LARGEST_WIDTH)
    query_bits = bits if query_bits is None else query_bits
    index = (n - 1).bit_length() + max((width - 1).bit_length(), n == 1)
    live = width < 1 << max((width - 1).bit_length(), n == 1)
    fired = expected_fired(width)
    words = bits + query_bits + accumulator_bits(dim, bits, query_bits)
    return PairResources(
        index_qubits=index,
        logical_qubits=index + words + live,
        fired=n * fired,
        oracle_calls=predicted_calls(n * width, n * fired, delta),
        certificate_calls=predicted_calls(n * width, 0.0, delta),
        apart_oracle_calls=n * predicted_calls(width, fired, delta / n),
        apart_certificate_calls=n * predicted_calls(width, 0.0, delta / n),
    )
