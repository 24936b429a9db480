"""Networks of which only the neurons that fire for some example are drawn: a start that is sublinear in the width."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from hybrid_train.errors import ConfigError, DataError
from hybrid_train.finder.bank import Bank, DenseBank, checked_vectors
from hybrid_train.finder.live import Draws, distinct, live_points
from hybrid_train.finder.live_bank import LiveBank
from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.memory import check_memory, in_words
from hybrid_train.support.philox import signs

_ROOM = 1.5
"""What the neurons take while they are drawn and checked, in units of what they take then."""

_HELD = 1 << 30
"""Bytes of neurons from which on they are made again whenever they are read, instead of being held."""

_MADE_AGAIN = 3.0
"""Bytes that such a neuron takes all the same, beside its signs: which draw it is, and when it has to be looked at."""


@final
@dataclass(frozen=True, eq=False)
class Live:
    """What a network knows of the neurons that were not drawn: they fire for none of these examples.

    On fixed examples such a neuron has no gradient, so it never moves and never matters. For another input it may fire:
    then the outputs are known only where twins of a paired start cancel, which neither of them has ever left.

    Attributes:
        width: m, of all neurons.
        examples: (n, d) float64, distinct.
        paired: whether every neuron has a twin.
    """

    width: int
    examples: FloatArray
    paired: bool

    def knows(self, inputs: FloatArray) -> npt.NDArray[np.bool_]:
        """Return (N,) whether each input is one of the examples."""
        known = {row.tobytes() for row in self.examples}
        rows = np.ascontiguousarray(inputs, np.float64) + 0.0
        return np.array([row.tobytes() in known for row in rows], bool)

    def check_examples(self, inputs: FloatArray) -> None:
        """Raise DataError if neurons that were not drawn could fire for one of these inputs, and would have to move."""
        known = self.knows(inputs)
        if not known.all():
            raise DataError(
                f"inputs: row {int(np.argmin(known))} is none of the {len(self.examples)} examples that the neurons of "
                "this network were drawn for (storage='live'); others would fire for it: draw it for all examples that "
                "it will see, or take storage='stored'"
            )

    def check_inputs(self, inputs: FloatArray) -> None:
        """Raise DataError if the outputs for one of these inputs are not known."""
        known = self.knows(inputs)
        if not (self.paired or known.all()):
            raise DataError(
                f"inputs: row {int(np.argmin(known))} is none of the {len(self.examples)} examples that the neurons of "
                "this network were drawn for (storage='live'), so its output is not known; with start='paired' it "
                "would be, since neurons that were not drawn cancel in pairs"
            )


def live_start(
    width: int,
    examples: npt.ArrayLike | None,
    threshold: float,
    *,
    outputs: int,
    seed: int,
    dtype: str,
    dimension: int,
    paired: bool = False,
    spread: float = 1.0,
) -> tuple[Bank, npt.NDArray[np.int8], Live]:
    """Draw the neurons that fire for at least one example, of Poisson(m) neurons N(0, s^2 I_d) in all.

    The law is that of a start with a Poisson number of neurons, exactly: the number fluctuates by sqrt(m) about m, and
    nothing else differs. It takes time and memory in proportion to the neurons that fire, or rather to the active pairs
    up to m. Where not one fires, there is one of zeros. Neurons that would take more than 1 GiB are not held but made
    again, the same, whenever they are read (:class:`hybrid_train.finder.live_bank.LiveBank`).

    Args:
        width: m.
        examples: (n, d), all that the network will be trained on.
        threshold: b.
        outputs: K.
        seed: the run's seed.
        dtype: of the weights.
        dimension: d.
        paired: whether the second half of the neurons are twins of the first, with the opposite signs.
        spread: s.

    Returns:
        (weights, (N, K) signs -1 or +1, what is known of the others).

    Raises:
        ConfigError: no examples were given.
        DataError: the examples are not finite (n, d) numbers.
        ResourceError: the neurons do not fit in memory.
    """
    if examples is None:
        raise ConfigError("storage='live': give the examples, since the neurons that fire for them are drawn alone")
    known = distinct(examples, "examples")
    if known.shape[1] != dimension:
        raise DataError(f"examples have dimension {known.shape[1]} but the network takes {dimension}")
    draws = Draws.of(width / 2 if paired else width, known, threshold, seed=seed, spread=spread, dtype=dtype)
    copies = 2 if paired else 1
    size = float(copies * len(draws) * dimension * draws.dtype.itemsize)
    held = size <= _HELD
    needed = (_ROOM * size if held else _MADE_AGAIN * copies * len(draws)) + _ROOM * copies * len(draws) * outputs
    check_memory(
        needed,
        f"network.width={width}, {len(known)} examples, threshold={threshold:.4g}: at most {copies * len(draws)} "
        f"neurons that fire ({in_words(needed)})",
        "take a higher network.threshold, a smaller network.width or fewer examples",
    )
    bank: Bank
    if held:
        drawn = live_points(draws, known, threshold)
        bank = DenseBank(np.concatenate([drawn, drawn]) if paired else drawn, "weights", copy=False)
    else:
        bank = LiveBank(draws, known, threshold, copies)
    coins = signs(seed, len(bank) // copies, outputs)
    return bank, np.concatenate([coins, -coins]) if paired else coins, Live(width, known, paired)


def most_live(width: int, examples: FloatArray, threshold: float, *, seed: int, paired: bool, spread: float) -> int:
    """Return how many neurons :func:`live_start` draws at most."""
    rate = width / 2 if paired else width
    known = distinct(examples, "examples")
    draws = Draws.of(rate, known, threshold, seed=seed, spread=spread, dtype=np.float64)
    return max(1, len(draws)) * (2 if paired else 1)


def live_arrays(live: Live | None) -> dict[str, Any]:
    """Return what a checkpoint says of it."""
    if live is None:
        return {}
    return {"nominal_width": live.width, "drawn_for": live.examples, "twins": live.paired}


def live_from(arrays: Any) -> Live | None:
    """Return what a checkpoint says, None where all neurons were drawn.

    Raises:
        DataError: the examples are no finite (n, d) numbers.
    """
    if "nominal_width" not in arrays:
        return None
    examples = checked_vectors(arrays["drawn_for"], "drawn_for")
    return Live(int(arrays["nominal_width"]), examples, bool(arrays["twins"]))
