"""From the [data] table to a data set or a distribution."""

from __future__ import annotations

from typing import Any, NamedTuple

from hybrid_train.config.schema import (
    ArraysConfig,
    BreastCancerConfig,
    DataConfig,
    DigitsConfig,
    EvenPolynomialConfig,
    FileConfig,
    ScikitConfig,
    SphereConfig,
    TwoSpiralsConfig,
)
from hybrid_train.config.sizes import check_inputs
from hybrid_train.data import (
    Dataset,
    Distribution,
    EvenPolynomials,
    Examples,
    Preparation,
    Wishes,
    make_inputs,
    prepared,
    read_examples,
    scikit_table,
    sphere,
    two_spirals,
)
from hybrid_train.data.arrays import examples_of
from hybrid_train.data.digits import digit_examples
from hybrid_train.errors import ConfigError


class Data(NamedTuple):
    """What a ``[data]`` table comes to.

    Attributes:
        source: the distribution it names, if it names one.
        dataset: to train on; where every step draws fresh examples, others that no step sees.
        held_out: never trained on; None if nothing is held out.
        preparation: what was done to rows, and is to be done to those that come later.
    """

    source: Distribution | None
    dataset: Dataset
    held_out: Dataset | None
    preparation: Preparation


class Given(NamedTuple):
    """Arrays that Python hands over.

    Attributes:
        data: (X, y) to train on.
        test: (X, y) to hold out; None for none, or for a share of ``data``.
    """

    data: Any
    test: Any = None


def load_data(config: DataConfig, seed: int, given: Given | None = None) -> Data:
    """Return the data a config names.

    Args:
        config: the ``[data]`` table.
        seed: the run's seed.
        given: for ``kind = "arrays"``.

    Raises:
        ConfigError: arrays are asked for and there are none.
        DataError: they cannot be read, or have fewer rows than asked for.
        ResourceError: they would not fit in memory.
    """
    match config:
        case SphereConfig():
            check_inputs(config.n, config.dim)
            return _as_drawn(sphere(config.n, config.dim, seed, targets=config.targets))
        case TwoSpiralsConfig():
            return _as_drawn(two_spirals(config.n, turns=config.turns, noise=config.noise, seed=seed))
        case EvenPolynomialConfig():
            return _polynomial_data(config, seed)
        case FileConfig():
            examples = _read(config, config.path)
            test = _read(config, config.test, examples) if isinstance(config.test, str) else None
        case ArraysConfig():
            examples, test = _of_arrays(config, given)
        case DigitsConfig():
            examples, test = digit_examples(config.classes), None
        case BreastCancerConfig() | ScikitConfig():
            examples, test = scikit_table(config.kind), None
    share = None if isinstance(config.test, str) else config.test
    wishes = Wishes(config.n, seed, share, config.standardise, config.bias)
    return Data(None, *prepared(examples, wishes, test))


def _of_arrays(config: ArraysConfig, given: Given | None) -> tuple[Examples, Examples | None]:
    if given is None:
        raise ConfigError(
            "data.kind='arrays': there are none; give them from Python, hybrid_train.run(config, data=(X, y))"
        )
    if given.test is not None and config.test is not None:
        raise ConfigError(f"data.test={config.test}: remove it or test=(X, y), each of them says what is held out")
    examples = examples_of(given.data, labels=config.labels)
    test = None if given.test is None else examples_of(given.test, name="test", like=examples)
    return examples, test


def _read(config: FileConfig, path: str, like: Examples | None = None) -> Examples:
    return read_examples(
        path, target=config.target, labels=config.labels, header=config.header, columns=config.columns, like=like
    )


def _as_drawn(dataset: Dataset, source: Distribution | None = None) -> Data:
    """Return data that were drawn as the network takes them."""
    labels = tuple(range(dataset.classes)) if dataset.classes is not None else ((-1, 1) if dataset.binary else None)
    return Data(source, dataset, None, Preparation(dataset.dimension, labels=labels))


def _polynomial_data(config: EvenPolynomialConfig, seed: int) -> Data:
    n = config.n or config.held_out or 1
    check_inputs(max(n, config.points or 1), config.dim)
    source = EvenPolynomials(
        make_inputs(config.inputs, config.dim, points=config.points, seed=seed),
        config.degree,
        config.norm,
        terms=config.terms,
        targets=config.targets,
        seed=seed,
    )
    return _as_drawn(source.examples(n, held_out=config.fresh), source)
