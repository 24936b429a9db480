"""Two-layer shifted-ReLU networks, evaluated on the neurons that fire."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hybrid_train.errors import ConfigError, DataError, InvariantError
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import Bank, DenseBank, checked_vectors
from hybrid_train.finder.interface import ActiveSetFinder
from hybrid_train.finder.scan import active_pairs
from hybrid_train.finder.seeded import SeededBank
from hybrid_train.network.live import Live, live_start
from hybrid_train.network.start_options import check_start
from hybrid_train.network.tangent_kernel import TangentKernel
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.checks import checked_counts
from hybrid_train.support.declared import (
    an,
    array,
    checked,
    either,
    inside,
    name_of,
    optional,
    real,
    seed_number,
    size,
    whole,
    word,
)
from hybrid_train.support.philox import signs as seeded_signs
from hybrid_train.support.rng import Role, generator

Index = Literal["neurons", "data"]
Start = Literal["gaussian", "paired"]
Storage = Literal["stored", "seeded", "live"]
Activation = Literal["relu", "jump"]

_BLOCK_PAIRS = 1 << 22


def _checked_signs(output_weights: npt.ArrayLike) -> npt.NDArray[Any]:
    """Return output weights as (m, K) float64; int8 stays, it takes an eighth of the memory."""
    given = output_weights if isinstance(output_weights, np.ndarray) else None
    if given is not None and given.dtype == np.int8 and given.ndim == 2 and given.size:
        return given
    return checked_vectors(output_weights, "output_weights").astype(np.float64)


def auto_threshold(width: int) -> float:
    """Return b = sqrt(0.4 ln m) of PRE Remark 3.9, m the number of all neurons."""
    return math.sqrt(0.4 * math.log(width))


@checked(
    weights=an(Bank),
    output_weights=inside(array(2)),
    threshold=real(),
    activation=word("relu", "jump"),
    output_scale=optional(real()),
    untrained=whole(0),
    live=optional(an(Live)),
)
@final
@dataclass(frozen=True, eq=False)
class TwoLayerNetwork:
    """f(x) = m^{-1/2} sum_r a_r max(<w_r, x> - b, 0) (PRE Definition 3.1); only W is trained.

    Attributes:
        weights: (m, d) W, the bank a finder watches and a trainer moves.
        output_weights: (m, K) a, a sign for each neuron and output: float64, or int8 as handed in.
        threshold: b, in units of the inner product.
        activation: "relu" for max(z - b, 0); "jump" for z 1[z > b] (ADV section 3.2), which jumps at b.
        output_scale: what the sum is multiplied by; None for m^{-1/2}.
        untrained: so many last coordinates of the weights stay where they are, a bias for instance.
        live: where only the neurons that fire for some example are held, how many there are in all and for which
            examples; None where all are held.

    Raises:
        DataError: output_weights do not fit the weights or are not finite.
        ConfigError: threshold or output_scale is not a finite number, or nothing is left to train.
    """

    weights: Bank
    output_weights: npt.NDArray[Any]
    threshold: float
    activation: Activation = "relu"
    output_scale: float | None = None
    untrained: int = 0
    live: Live | None = None

    def __post_init__(self) -> None:
        signs = _checked_signs(self.output_weights)
        if len(signs) != len(self.weights):
            raise DataError(f"output_weights: {len(signs)} rows for {len(self.weights)} neurons")
        if not math.isfinite(self.threshold):
            raise ConfigError(f"threshold={self.threshold}: must be a finite number")
        if not math.isfinite(self.scale):
            raise ConfigError(f"output_scale={self.output_scale}: must be a finite number")
        if self.activation not in ("relu", "jump"):
            raise ConfigError(f"activation={self.activation!r}: expected 'relu' or 'jump'")
        if not 0 <= self.untrained < self.weights.shape[1]:
            raise ConfigError(f"untrained={self.untrained}: expected 0 to {self.weights.shape[1] - 1} coordinates")
        object.__setattr__(self, "output_weights", signs)

    @classmethod
    @checked(
        width=size(),
        dimension=size(),
        outputs=size(),
        threshold=either(real(), word("auto")),
        start=name_of("start"),
        output_weight=real(above=0),
        dtype=word("float32", "float64"),
        storage=word("stored", "seeded", "live"),
        examples=inside(optional(array(2))),
        seed=seed_number(),
    )
    def initialize(
        cls,
        width: int,
        dimension: int,
        *,
        outputs: int = 1,
        threshold: float | Literal["auto"] = "auto",
        start: Start = "gaussian",
        output_weight: float = 1.0,
        dtype: str = "float64",
        storage: Storage = "stored",
        examples: npt.ArrayLike | None = None,
        seed: int = 0,
    ) -> TwoLayerNetwork:
        """Return a random network: w_r ~ N(0, I_d), a_rk = -1 or +1 by fair coins (PRE Definition 3.2).

        Args:
            width: m, the number of all neurons.
            dimension: d.
            outputs: K.
            threshold: b; "auto" for sqrt(0.4 ln m).
            start: "paired" for w_{m/2+r} = w_r and a_{m/2+r} = -a_r, so that f = 0 at the start (SGD paper,
                Definition 1.3, with the sign it needs).
            output_weight: B, the size of every a_rk, which is -B or +B (SGD Definition 1.3). The larger it is, the less
                the weights have to move (SGD Lemma 5.3).
            dtype: "float64", or "float32" for the same weights rounded.
            storage: "stored" keeps W in memory; "seeded" re-creates W(0) from the seed whenever it is read, another
                stream of random numbers than the stored one, for widths that fit no memory
                (:class:`hybrid_train.finder.seeded.SeededBank`: only Gram dynamics trains it). "live" draws
                only the neurons that fire for some example, of Poisson(m) in all (:func:`.live_start`).
            examples: (n, d) all that a "live" network will be trained on; for no other storage.
            seed: the run's seed; weights and signs have generators of their own.

        Raises:
            ConfigError: a size below 1, a threshold that is not finite, an output weight that is not positive, an
                odd width for a paired start, an unknown dtype, start or storage, or examples that a storage has no
                use for or needs.
        """
        checked_counts(width=width, dimension=dimension, outputs=outputs)
        check_start(width, threshold, start, output_weight, dtype, storage)
        paired, b = start == "paired", auto_threshold(width) if threshold == "auto" else float(threshold)
        drawn = width // 2 if paired else width
        signs: npt.NDArray[Any]
        if storage == "live":
            options: dict[str, Any] = {"outputs": outputs, "seed": seed, "dtype": dtype, "dimension": dimension}
            known, signs, live = live_start(width, examples, b, paired=paired, **options)
            return cls(known, signs if output_weight == 1.0 else output_weight * signs, b, live=live)
        if examples is not None:
            raise ConfigError(f"examples: remove them, storage={storage!r} draws all neurons; or take storage='live'")
        if storage == "seeded":
            signs = seeded_signs(seed, drawn, outputs)
            signs = np.concatenate([signs, -signs]) if paired else signs
            bank = SeededBank(width, dimension, seed=seed, dtype=dtype, period=drawn)
            return cls(bank, signs if output_weight == 1.0 else output_weight * signs, b)
        weights = generator(seed, Role.WEIGHTS).standard_normal((drawn, dimension)).astype(dtype, copy=False)
        signs = generator(seed, Role.SIGNS).choice([-1.0, 1.0], size=(drawn, outputs))
        if paired:
            weights, signs = np.concatenate([weights, weights]), np.concatenate([signs, -signs])
        return cls(DenseBank(weights, "weights"), output_weight * signs, b)

    @property
    def width(self) -> int:
        """The number of neurons held: m, or those of a live start alone."""
        return len(self.weights)

    @property
    def nominal_width(self) -> int:
        """m, the number of all neurons."""
        return self.width if self.live is None else self.live.width

    @property
    def scale(self) -> float:
        """What the sum over the neurons is multiplied by."""
        return 1.0 / math.sqrt(self.nominal_width) if self.output_scale is None else self.output_scale

    @property
    def dimension(self) -> int:
        """d, the length of an input."""
        return self.weights.shape[1]

    @property
    def outputs(self) -> int:
        """K, the number of outputs."""
        return int(self.output_weights.shape[1])

    def outputs_from(self, sets: ActiveSets, n: int, index: Index = "neurons") -> FloatArray:
        """Return (n, K) f(x_i) from the active pairs alone.

        Each datum's terms are added in ascending order of neuron, those of the lower and of the upper half of the
        neurons apart: the result is the same to the last bit however the pairs are stored, and the twins of a paired
        start cancel exactly.

        Args:
            sets: active pairs of these weights with n data; data without pairs get 0.
            n: how many data there are.
            index: "neurons" if the points of ``sets`` are the weights, "data" if they are the data.

        Raises:
            InvariantError: the sets belong to banks of other sizes.
        """
        ordered = self._ascending(sets, n, index)
        datum, neuron = _pairs(ordered, index)
        if self.outputs > 1 and (np.diff(datum) >= 0).all():
            return self._summed(datum, neuron, ordered.inner_products, n)
        half = datum + n * (neuron >= self.width // 2)
        values = ordered.inner_products
        excess = values - self.threshold if self.activation == "relu" else values
        totals = np.empty((n, self.outputs))
        for k in range(self.outputs):
            terms = excess * self.output_weights[neuron, k]
            sums = np.bincount(half, weights=terms, minlength=2 * n)
            totals[:, k] = sums[:n] + sums[n:]
        return totals * self.scale

    def _summed(self, datum: IntArray, neuron: IntArray, values: FloatArray, n: int) -> FloatArray:
        """Return (n, K) f(x_i) of pairs in ascending order: the same additions, for all outputs in one go."""
        excess = values - self.threshold if self.activation == "relu" else values
        half = 2 * datum + (neuron >= self.width // 2)
        indptr = np.concatenate([[0], np.cumsum(np.bincount(half, minlength=2 * n))])
        terms = sparse.csr_array((excess, neuron, indptr), shape=(2 * n, self.width))
        sums = terms @ self.output_weights.astype(np.float64)
        return np.asarray((sums[::2] + sums[1::2]) * self.scale)

    def trained_part(self, vectors: FloatArray) -> FloatArray:
        """Return vectors (N, d) with the coordinates that are not trained set to zero."""
        if not self.untrained:
            return vectors
        part = np.array(vectors)
        part[:, -self.untrained :] = 0.0
        return part

    @checked(inputs=inside(array(2)), finder=optional(an(ActiveSetFinder)))
    def predict(self, inputs: npt.ArrayLike, finder: ActiveSetFinder | None = None) -> FloatArray:
        """Return (n, K) f(x) of new data, block by block.

        Args:
            inputs: (n, d); of any norm.
            finder: who finds the neurons that fire; it is built anew. None scans.

        Raises:
            ConfigError: the finder is none.
            DataError: inputs are not finite (n, d) numbers of this network's dimension, or neurons that were not
                drawn would count.
        """
        data = checked_vectors(inputs, "inputs")
        if data.shape[1] != self.dimension:
            raise DataError(f"inputs have dimension {data.shape[1]} but the network takes {self.dimension}")
        if self.live is not None:
            self.live.check_inputs(data)
        if finder is not None:
            finder.build(self.weights, data, self.threshold)
        predicted = np.empty((len(data), self.outputs))
        block = max(16, _BLOCK_PAIRS // self.width)
        for start in range(0, len(data), block):
            rows = np.arange(start, min(start + block, len(data)))
            sets = active_pairs(self.weights, data, self.threshold, rows) if finder is None else finder.find(rows)
            predicted[rows] = self.outputs_from(sets, len(data), "neurons")[rows]
        return predicted

    def kernel_top_eigenvalue(self, sets: ActiveSets, inputs: FloatArray, index: Index = "neurons") -> float:
        """Return the largest eigenvalue of the kernel H(t) of PRE Definition C.3, for K outputs.

        H_(i,k),(j,l) = <x_i, x_j> / m sum_r a_rk a_rl 1[r fires for i] 1[r fires for j]: f moves by -eta H dL/df in a
        step of gradient descent while the active sets stay, so eta below 2 / (curvature * this) is stable.

        Args:
            sets: the active pairs.
            inputs: (n, d) the data.
            index: as in :meth:`outputs_from`.

        Returns:
            The eigenvalue, to a relative 1e-6; 0 where nothing is active.

        Raises:
            InvariantError: the sets belong to banks of other sizes.
        """
        n = len(inputs)
        datum, neuron = _pairs(self._ascending(sets, n, index), index)
        if not len(datum):
            return 0.0
        by_neuron = np.argsort(neuron, kind="stable")
        fired, column = np.unique(neuron[by_neuron], return_inverse=True)
        data = np.ascontiguousarray(inputs, dtype=np.float64)
        kernel = TangentKernel(data, datum[by_neuron], column, self.output_weights[fired].astype(np.float64))
        return kernel.top_eigenvalue() * self.scale**2

    def _ascending(self, sets: ActiveSets, n: int, index: Index) -> ActiveSets:
        """Return the same pairs, each datum's in ascending order of neuron."""
        if index not in {"neurons", "data"}:
            raise ConfigError(f"index={index!r}: known: neurons, data")
        expected = (n, self.width) if index == "neurons" else (self.width, n)
        if sets.shape != expected:
            raise InvariantError(f"ActiveSets of shape {sets.shape} given, index={index!r} needs {expected}")
        by_datum = (sets.major == "query") == (index == "neurons")
        if by_datum or (np.diff(sets.rows) > 0).all():
            return sets
        return sets.by_query() if index == "neurons" else sets.by_point()


def _pairs(sets: ActiveSets, index: Index) -> tuple[IntArray, IntArray]:
    """Return (datum, neuron) of each pair."""
    return (sets.query_ids, sets.point_ids) if index == "neurons" else (sets.point_ids, sets.query_ids)
