"""Random numbers with random access: the published cipher, the right law, and the same numbers however they are read.

Every statistical test has a false-alarm probability of 1e-9 and names an effect that it sees.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from hybrid_train.errors import ConfigError, InvariantError
from hybrid_train.finder import seeded
from hybrid_train.finder.bank import DenseBank
from hybrid_train.finder.seeded import SeededBank, normals, philox, philox_key, signs
from hybrid_train.network import TwoLayerNetwork
from hybrid_train.support.parallel import threads
from hybrid_train.support.rng import Role

ALARM = 1e-9


def words(text: str) -> np.ndarray:
    return np.array([[int(word, 16)] for word in text.split()], np.uint32)


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ("0 0 0 0", "0 0", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
def test_philox_gives_the_published_answers(counter: str, key: str, expected: str) -> None:
    assert np.array_equal(philox(words(counter), words(key).ravel()), words(expected))


def test_philox_wants_four_words() -> None:
    with pytest.raises(InvariantError, match="counters"):
        philox(np.zeros((3, 1), np.uint32), np.zeros(2, np.uint32))


def test_quantiles_agree_with_scipy_in_the_middle_and_far_out() -> None:
    tails = 10.0 ** -np.arange(1, 16)
    centred = np.concatenate([np.linspace(-0.4999, 0.4999, 9999), tails - 0.5, 0.5 - tails])
    values = np.empty_like(centred)
    seeded._quantiles(centred, values, len(centred))
    expected = special.ndtri(0.5 + centred)
    # the argument 1/2 + centred is rounded far out; ours is not
    assert np.allclose(values[:-15], expected[:-15], rtol=1e-12, atol=1e-15)
    assert np.allclose(values[-15:], -values[-30:-15], rtol=1e-12)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**40),
    dimension=st.integers(1, 40),
    rows=st.lists(st.integers(0, 2**33), min_size=1, max_size=40),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_a_row_is_the_same_however_it_is_asked_for(seed: int, dimension: int, rows: Any, dtype: Any) -> None:
    key = philox_key(seed, Role.WEIGHTS)
    together = normals(key, np.array(rows), dimension, dtype)
    alone = [normals(key, np.array([row]), dimension, dtype)[0] for row in rows]
    assert np.array_equal(together, alone)
    assert np.array_equal(together, normals(key, np.array(rows), dimension).astype(dtype))


def test_rows_do_not_depend_on_the_threads() -> None:
    found = []
    for count in (1, 3):
        with threads(count):
            found.append((normals(philox_key(1, Role.WEIGHTS), np.arange(40_000), 7), signs(1, 200_000, 3)))
    assert np.array_equal(found[0][0], found[1][0])
    assert np.array_equal(found[0][1], found[1][1])


def alarms(sample: np.ndarray) -> bool:
    """Return whether one of three tests, at 1e-9 together, says that these are not independent normals."""
    flat = sample.ravel()
    n = flat.size
    bound = stats.norm.isf(ALARM / 12)
    moments = [np.sqrt(n) * flat.mean(), np.sqrt(n / 2) * ((flat**2).mean() - 1)]
    moments += [(sample[:, :-1] * sample[:, 1:]).mean() * np.sqrt(sample[:, 1:].size)]
    moments += [(sample[:-1] * sample[1:]).mean() * np.sqrt(sample[1:].size)]
    # sums of many terms: the normal law holds far enough out at this size
    if max(np.abs(moments)) > bound * 1.01:
        return True
    edges = special.ndtri(np.arange(1, 256) / 256)
    counts = np.bincount(np.searchsorted(edges, flat), minlength=256)
    return bool(stats.chisquare(counts).pvalue < ALARM / 3)


def test_the_numbers_are_independent_normals() -> None:
    sample = normals(philox_key(5, Role.WEIGHTS), np.arange(50_000), 9)
    assert not alarms(sample)
    tail = np.count_nonzero(np.abs(sample) > 4)
    assert stats.binomtest(tail, sample.size, 2 * stats.norm.sf(4)).pvalue > ALARM


@pytest.mark.parametrize(
    "broken",
    [
        lambda x: x * 1.02,
        lambda x: x + 0.02,
        lambda x: np.concatenate([x[:, :1], 0.99 * x[:, 1:] + 0.14 * x[:, :-1]], axis=1),
        lambda x: np.concatenate([x[:1], 0.99 * x[1:] + 0.14 * x[:-1]]),
        lambda x: np.clip(x, -2.5, 2.5),
    ],
    ids=["wide", "shifted", "coordinates", "rows", "clipped"],
)
def test_broken_twins_are_seen(broken: Any) -> None:
    assert alarms(broken(normals(philox_key(5, Role.WEIGHTS), np.arange(50_000), 9)))


def test_signs_are_fair_coins() -> None:
    drawn = signs(3, 100_000, 4)
    assert drawn.dtype == np.int8
    assert set(np.unique(drawn)) == {-1, 1}
    assert stats.binomtest(np.count_nonzero(drawn > 0), drawn.size).pvalue > ALARM
    pairs = drawn[:, :1] == drawn[:, 1:]
    assert stats.binomtest(np.count_nonzero(pairs), pairs.size).pvalue > ALARM
    biased = np.where(np.random.default_rng(0).random(drawn.shape) < 0.02, 1, drawn)
    assert stats.binomtest(np.count_nonzero(biased > 0), drawn.size).pvalue < ALARM
    assert np.array_equal(signs(3, 100, 4), drawn[:100])


def test_streams_of_seeds_and_roles_differ() -> None:
    keys = [tuple(philox_key(seed, role)) for seed in range(5) for role in (Role.WEIGHTS, Role.SIGNS)]
    assert len(set(keys)) == 10


def test_a_seeded_network_has_its_shape_and_reads_like_a_stored_one() -> None:
    network = TwoLayerNetwork.initialize(1000, 6, outputs=2, storage="seeded", start="paired", dtype="float32", seed=4)
    weights = network.weights
    assert weights.shape == (1000, 6)
    assert weights.dtype == np.float32
    assert network.output_weights.dtype == np.int8
    everything = weights[:]
    assert np.array_equal(everything[:500], everything[500:])
    assert np.array_equal(network.output_weights[:500], -network.output_weights[500:])
    assert np.array_equal(weights[np.array([700, 3, 3])], everything[[700, 3, 3]])
    assert np.array_equal(weights[100:900:7], everything[100:900:7])
    with pytest.raises(ValueError, match="read-only"):
        everything[0] = 0
    stored = TwoLayerNetwork(DenseBank(everything), network.output_weights.astype(float), network.threshold)
    inputs = np.random.default_rng(0).standard_normal((9, 6))
    assert np.array_equal(network.predict(inputs), stored.predict(inputs))


def test_a_seeded_bank_cannot_be_moved_row_by_row() -> None:
    bank = SeededBank(10, 3, seed=0)
    with pytest.raises(ConfigError, match=r"storage='seeded'.*finder\.kind='skin'"):
        bank.assign(np.array([0]), np.zeros((1, 3)))


@pytest.mark.parametrize(("option", "value"), [("dtype", "float16"), ("storage", "cloud")])
def test_unknown_options_are_refused(option: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"{option}='{value}': expected"):
        TwoLayerNetwork.initialize(4, 2, **{option: value})
