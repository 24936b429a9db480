"""Random numbers with random access: the published cipher, the right law, and the same numbers however they are read.

Every statistical test has a broken twin that it sees.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from hybrid_train.errors import InvariantError
from hybrid_train.support import philox as numbers
from hybrid_train.support.parallel import threads
from hybrid_train.support.philox import Stream, normals, philox, philox_key, signs, tail_normals
from hybrid_train.support.rng import Role
from tests.support.statistics import counts_are, drawn_from, mean_is, share_is


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
    numbers._quantiles(centred, values, len(centred))
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


def are_independent_normals(sample: np.ndarray) -> bool:
    """Sees a mean of 0.02, a variance off by 0.03, neighbours that correlate by 0.02, and another shape (w = 0.03)."""
    edges = special.ndtri(np.arange(1, 256) / 256)
    counts = np.bincount(np.searchsorted(edges, sample.ravel()), minlength=256)
    return (
        mean_is(sample, 0.0, 1.0, sees=0.02, tests=5)
        and mean_is(sample**2, 1.0, 2**0.5, sees=0.03, tests=5)
        and mean_is(sample[:, :-1] * sample[:, 1:], 0.0, 1.0, sees=0.02, tests=5)
        and mean_is(sample[:-1] * sample[1:], 0.0, 1.0, sees=0.02, tests=5)
        and counts_are(counts, np.full(256, 1 / 256), sees=0.03, tests=5)
    )


def test_the_numbers_are_independent_normals() -> None:
    sample = normals(philox_key(5, Role.WEIGHTS), np.arange(50_000), 9)
    assert are_independent_normals(sample)
    tail = np.count_nonzero(np.abs(sample) > 4)
    assert share_is(tail, sample.size, 2 * stats.norm.sf(4), sees=2e-4)
    assert not share_is(4 * tail + 100, sample.size, 2 * stats.norm.sf(4), sees=2e-4)


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
    assert not are_independent_normals(broken(normals(philox_key(5, Role.WEIGHTS), np.arange(50_000), 9)))


def test_signs_are_fair_coins() -> None:
    drawn = signs(3, 100_000, 4)
    assert drawn.dtype == np.int8
    assert set(np.unique(drawn)) == {-1, 1}
    assert share_is(np.count_nonzero(drawn > 0), drawn.size, 0.5, sees=0.008)
    pairs = drawn[:, :1] == drawn[:, 1:]
    assert share_is(np.count_nonzero(pairs), pairs.size, 0.5, sees=0.01)
    biased = np.where(np.random.default_rng(0).random(drawn.shape) < 0.02, 1, drawn)
    assert not share_is(np.count_nonzero(biased > 0), drawn.size, 0.5, sees=0.008)
    assert np.array_equal(signs(3, 100, 4), drawn[:100])


def test_streams_of_seeds_and_roles_differ() -> None:
    keys = [tuple(philox_key(seed, role)) for seed in range(5) for role in (Role.WEIGHTS, Role.SIGNS)]
    assert len(set(keys)) == 10


@pytest.mark.parametrize("threshold", [-3.0, -0.5, 0.4, 1.5, 3.0, 9.0, 37.0])
def test_tails_have_the_law_of_a_normal_above_a_threshold(threshold: float) -> None:
    share = float(special.ndtr(-threshold))
    drawn = tail_normals(philox_key(3, Role.WEIGHTS), np.arange(20_000), np.full(20_000, share))
    assert (drawn >= threshold * (1 - 1e-14)).all()
    # P(above t | above b)
    uniform = np.exp(special.log_ndtr(-drawn) - special.log_ndtr(-threshold))
    assert drawn_from(uniform, stats.uniform.cdf, sees=0.04)
    assert not drawn_from(uniform**1.15, stats.uniform.cdf, sees=0.04)


def test_tails_are_the_same_however_they_are_read_and_independent_of_what_lies_across() -> None:
    key, rows = philox_key(3, Role.WEIGHTS), np.arange(2**40, 2**40 + 200_000)
    shares = np.where(rows % 2, 0.01, 0.2)
    together = tail_normals(key, rows, shares)
    with threads(3):
        assert np.array_equal(tail_normals(key, rows[::-1], shares[::-1])[::-1], together)
    across = normals(key, rows, 3, stream=Stream.ACROSS)
    assert not np.array_equal(across, normals(key, rows, 3))
    odd = together[rows % 2 == 1]
    scaled = (odd - odd.mean()) / odd.std()
    for column in across[rows % 2 == 1].T:
        assert mean_is(scaled * column, 0.0, 1.0, sees=0.04, tests=3)
        assert not mean_is(scaled * (column + 0.04 * scaled), 0.0, 1.0, sees=0.04, tests=3)
