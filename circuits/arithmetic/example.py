"""An arithmetic oracle of given sizes, for looking at."""

from __future__ import annotations

import numpy as np

from circuits.arithmetic.fixed_point import Variant
from circuits.arithmetic.oracle import ArithmeticOracle


def example_oracle(
    width: int,
    dim: int,
    bits: int,
    query_bits: int | None = None,
    *,
    variant: Variant = "draper",
    done: bool = False,
    swap: int = 1,
    spare: int = 0,
    seed: int = 0,
) -> ArithmeticOracle:
    """Return an oracle of the given sizes over standard normal weights and a unit query, for looking at.

    Args:
        width: m.
        dim: d.
        bits: p of a weight.
        query_bits: p_x of a query component; p if left out.
        variant: as in :func:`circuits.resources.estimate`.
        done: likewise; nothing is found yet.
        swap: likewise.
        spare: likewise.
        seed: of the weights and the query.
    """
    rng = np.random.default_rng(seed)
    weights, query = rng.standard_normal((width, dim)), rng.standard_normal(dim)
    query /= np.linalg.norm(query)
    threshold = float(np.sqrt(0.4 * np.log(width)))
    sizes = weights, query, threshold, bits, query_bits, np.zeros(width, np.bool_) if done else None
    if variant == "draper":
        return ArithmeticOracle(*sizes, swap=swap, spare=spare)
    return ArithmeticOracle(*sizes, adder="gidney", loading=variant, swap=swap, spare=spare)
