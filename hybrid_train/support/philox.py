"""Random numbers with random access: any of them costs the same, in any order, in any thread, and none is stored.

Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; SC 2011) turns a counter into
128 random bits; the counter is the place of a number. Normals come from the inverse of their distribution function
(Wichura's AS 241, relative accuracy 1e-16), one from each 53 bits.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from hybrid_train.errors import InvariantError
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.kernels import kernel
from hybrid_train.support.parallel import in_threads
from hybrid_train.support.rng import Role, seed_key

_TILE = 256
"""Counters that are worked on together."""

_THREAD_NUMBERS = 1 << 16
"""Random numbers that are worth waking a thread for."""


class Stream(IntEnum):
    """The last word of the counter, which tells the streams of one key apart. Part of every published result."""

    NORMALS = 1
    SIGNS = 2
    ACROSS = 3
    ALONG = 4


_SIGNS, _ALONG = int(Stream.SIGNS), int(Stream.ALONG)


def philox_key(seed: int, role: Role) -> npt.NDArray[np.uint32]:
    """Return the (2,) key of one role's stream.

    Raises:
        ConfigError: the seed is not a non-negative integer.
    """
    return seed_key(seed, role).generate_state(2, np.uint32).astype(np.uint32)


def normals(
    key: npt.NDArray[np.uint32],
    rows: IntArray,
    dimension: int,
    dtype: npt.DTypeLike = np.float64,
    stream: Stream = Stream.NORMALS,
) -> FloatArray:
    """Return (len(rows), d) independent N(0, 1): the same numbers for the same key and row, whatever else is asked."""
    where = np.ascontiguousarray(rows, np.int64)
    out = np.empty((len(where), dimension), dtype)
    last_word = np.uint32(stream)
    in_threads(
        lambda first, last: _fill_normals(key, where[first:last], out[first:last], last_word),
        len(where),
        _THREAD_NUMBERS // dimension + 1,
    )
    return out


def tail_normals(key: npt.NDArray[np.uint32], rows: IntArray, probabilities: FloatArray) -> FloatArray:
    """Return (len(rows),) independent N(0, 1), each given that it lies in the upper tail of its probability.

    The quantile of the tail is taken of u Q for a uniform u, which keeps its relative accuracy however small Q is.

    Args:
        key: of the stream.
        rows: counters.
        probabilities: (len(rows),) Q, strictly between 0 and 1.
    """
    where = np.ascontiguousarray(rows, np.int64)
    out = np.empty(len(where))
    in_threads(
        lambda first, last: _fill_tails(key, where[first:last], probabilities[first:last], out[first:last]),
        len(where),
        _THREAD_NUMBERS,
    )
    return out


def signs(seed: int, rows: int, outputs: int) -> npt.NDArray[np.int8]:
    """Return (rows, K) int8 fair signs, -1 or +1."""
    out = np.empty(rows * outputs, np.int8)
    key = philox_key(seed, Role.SIGNS)
    in_threads(lambda first, last: _fill_signs(key, out, first, last), -(-out.size // 128), _THREAD_NUMBERS // 16)
    return out.reshape(rows, outputs)


def philox(
    counters: npt.NDArray[np.uint32], key: npt.NDArray[np.uint32], count: int | None = None
) -> npt.NDArray[np.uint32]:
    """Return the (4, N) words that Philox4x32-10 makes of (4, N) counters.

    Raises:
        InvariantError: the counters are not four uint32 rows.
    """
    words = np.array(counters, np.uint32)
    if words.ndim != 2 or len(words) != 4:
        raise InvariantError(f"Philox4x32 takes (4, N) counters, got {words.shape}")
    _philox(words, key, words.shape[1] if count is None else count)
    return words


@kernel
def _philox(words: Any, key: Any, count: Any) -> None:
    """Replace the first ``count`` counters by their ten rounds."""
    low = np.uint64(0xFFFFFFFF)
    half = np.uint64(32)
    for i in range(count):
        c0, c1 = np.uint64(words[0, i]), np.uint64(words[1, i])
        c2, c3 = np.uint64(words[2, i]), np.uint64(words[3, i])
        k0, k1 = np.uint64(key[0]), np.uint64(key[1])
        for _ in range(10):
            first = np.uint64(0xD2511F53) * c0
            second = np.uint64(0xCD9E8D57) * c2
            c0 = (second >> half) ^ c1 ^ k0
            c1 = second & low
            c2 = (first >> half) ^ c3 ^ k1
            c3 = first & low
            k0 = (k0 + np.uint64(0x9E3779B9)) & low
            k1 = (k1 + np.uint64(0xBB67AE85)) & low
        words[0, i], words[1, i] = np.uint32(c0), np.uint32(c1)
        words[2, i], words[3, i] = np.uint32(c2), np.uint32(c3)


@kernel
def _fill_signs(key: Any, out: Any, first: Any, last: Any) -> None:
    """Write the signs of the blocks of 128 from the first to before the last."""
    words = np.empty((4, 1), np.uint32)
    for block in range(first, last):
        words[0, 0], words[1, 0] = np.uint32(block & 0xFFFFFFFF), np.uint32(block >> 32)
        words[2, 0], words[3, 0] = np.uint32(0), np.uint32(_SIGNS)
        _philox(words, key, 1)
        for bit in range(min(128, out.size - 128 * block)):
            out[128 * block + bit] = 2 * np.int64((words[bit >> 5, 0] >> np.uint32(bit & 31)) & np.uint32(1)) - 1


@kernel
def _fill_normals(key: Any, rows: Any, out: Any, stream: Any) -> None:
    """Draw the given rows: number 2 j and 2 j + 1 of a row come from the counter (row, j)."""
    dimension = out.shape[1]
    pairs = (dimension + 1) // 2
    words = np.empty((4, _TILE), np.uint32)
    centred = np.empty(2 * _TILE)
    values = np.empty(2 * _TILE)
    row, pair = 0, 0
    while row < rows.size:
        first_row, first_pair, count = row, pair, 0
        while count < _TILE and row < rows.size:
            take = min(_TILE - count, pairs - pair)
            low, high = np.uint32(rows[row] & 0xFFFFFFFF), np.uint32(rows[row] >> 32)
            for i in range(take):
                words[0, count + i] = low
                words[1, count + i] = high
                words[2, count + i] = np.uint32(pair + i)
                words[3, count + i] = stream
            count += take
            pair += take
            if pair == pairs:
                row, pair = row + 1, 0
        _philox(words, key, count)
        _centre(words, centred, count)
        _quantiles(centred, values, 2 * count)
        at, r, j = 0, first_row, first_pair
        while at < count:
            take = min(count - at, pairs - j)
            width = min(2 * take, dimension - 2 * j)
            for i in range(width):
                out[r, 2 * j + i] = values[2 * at + i]
            at += take
            r, j = r + 1, 0


@kernel
def _fill_tails(key: Any, rows: Any, probabilities: Any, out: Any) -> None:
    """Draw one number for each row, from the upper tail of its probability."""
    words, centred = np.empty((4, 1), np.uint32), np.empty(2)
    for r in range(rows.size):
        words[0, 0], words[1, 0] = np.uint32(rows[r] & 0xFFFFFFFF), np.uint32(rows[r] >> 32)
        words[2, 0], words[3, 0] = np.uint32(0), np.uint32(_ALONG)
        _philox(words, key, 1)
        _centre(words, centred, 1)
        out[r] = _upper(probabilities[r] * (0.5 + centred[0]))


@kernel
def _upper(tail: Any) -> Any:
    """Return the number above which a normal lies with this probability."""
    q = 0.5 - tail
    if abs(q) <= 0.425:
        return q * _middle(0.180625 - q * q)
    far = _far(np.sqrt(-np.log(min(tail, 1.0 - tail))))
    return far if q > 0 else -far


@kernel
def _centre(words: Any, centred: Any, count: Any) -> None:
    """Write u - 1/2 for the uniform u = (k + 1/2) / 2^53 of each pair of words."""
    for i in range(count):
        for side in range(2):
            bits = (np.uint64(words[2 * side, i]) << np.uint64(21)) | (
                np.uint64(words[2 * side + 1, i]) >> np.uint64(11)
            )
            centred[2 * i + side] = (np.float64(np.int64(bits) - (1 << 52)) + 0.5) * (1.0 / (1 << 53))


@kernel
def _quantiles(centred: Any, values: Any, count: Any) -> None:
    """Write the normal quantiles of 1/2 + centred: the middle for all, without a branch, then the tails."""
    for i in range(count):
        q = centred[i]
        values[i] = q * _middle(0.180625 - q * q)
    for i in range(count):
        q = centred[i]
        if abs(q) > 0.425:
            far = _far(np.sqrt(-np.log(0.5 - abs(q))))
            values[i] = far if q > 0 else -far


@kernel
def _middle(r: Any) -> Any:
    """Return AS 241's quotient for |u - 1/2| <= 0.425."""
    top = 2.5090809287301226727e3 * r + 3.3430575583588128105e4
    top = ((top * r + 6.7265770927008700853e4) * r + 4.5921953931549871457e4) * r + 1.3731693765509461125e4
    top = ((top * r + 1.9715909503065514427e3) * r + 1.3314166789178437745e2) * r + 3.3871328727963666080e0
    low = 5.2264952788528545610e3 * r + 2.8729085735721942674e4
    low = ((low * r + 3.9307895800092710610e4) * r + 2.1213794301586595867e4) * r + 5.3941960214247511077e3
    low = ((low * r + 6.8718700749205790830e2) * r + 4.2313330701600911252e1) * r + 1.0
    return top / low


@kernel
def _far(r: Any) -> Any:
    """Return AS 241's quantile in the upper tail, r = sqrt(-ln of the tail's probability)."""
    if r <= 5.0:
        s = r - 1.6
        top = 7.74545014278341407640e-4 * s + 2.27238449892691845833e-2
        top = ((top * s + 2.41780725177450611770e-1) * s + 1.27045825245236838258e0) * s + 3.64784832476320460504e0
        top = ((top * s + 5.76949722146069140550e0) * s + 4.63033784615654529590e0) * s + 1.42343711074968357734e0
        low = 1.05075007164441684324e-9 * s + 5.47593808499534494600e-4
        low = ((low * s + 1.51986665636164571966e-2) * s + 1.48103976427480074590e-1) * s + 6.89767334985100004550e-1
        low = ((low * s + 1.67638483018380384940e0) * s + 2.05319162663775882187e0) * s + 1.0
        return top / low
    s = r - 5.0
    top = 2.01033439929228813265e-7 * s + 2.71155556874348757815e-5
    top = ((top * s + 1.24266094738807843860e-3) * s + 2.65321895265761230930e-2) * s + 2.96560571828504891230e-1
    top = ((top * s + 1.78482653991729133580e0) * s + 5.46378491116411436990e0) * s + 6.65790464350110377720e0
    low = 2.04426310338993978564e-15 * s + 1.42151175831644588870e-7
    low = ((low * s + 1.84631831751005468180e-5) * s + 7.86869131145613259100e-4) * s + 1.48753612908506148525e-2
    low = ((low * s + 1.36929880922735805310e-1) * s + 5.99832206555887937690e-1) * s + 1.0
    return top / low
