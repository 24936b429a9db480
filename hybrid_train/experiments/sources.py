"""From the [data] table to a data set or a distribution."""

from __future__ import annotations

from hybrid_train.config.schema import (
    BreastCancerConfig,
    DataConfig,
    DigitsConfig,
    EvenPolynomialConfig,
    FileConfig,
    SphereConfig,
    TwoSpiralsConfig,
)
from hybrid_train.config.sizes import check_inputs
from hybrid_train.data import EvenPolynomials, breast_cancer, digits, from_file, make_inputs, sphere, two_spirals
from hybrid_train.data.dataset import Dataset
from hybrid_train.data.distribution import Distribution


def load_data(config: DataConfig, seed: int) -> tuple[Distribution | None, Dataset]:
    """Return the distribution a config names, if it names one, and its data set (held-out data for fresh examples).

    Raises:
        DataError: it cannot be read, or has fewer rows than asked for.
        ResourceError: it would not fit in memory.
    """
    match config:
        case SphereConfig():
            check_inputs(config.n, config.dim)
            return None, sphere(config.n, config.dim, seed, targets=config.targets)
        case DigitsConfig():
            return None, digits(config.n, classes=config.classes, seed=seed)
        case BreastCancerConfig():
            return None, breast_cancer(config.n, seed=seed)
        case FileConfig():
            return None, from_file(
                config.path,
                n=config.n,
                target=config.target,
                labels=config.labels,
                seed=seed,
                header=config.header,
            )
        case TwoSpiralsConfig():
            return None, two_spirals(config.n, turns=config.turns, noise=config.noise, seed=seed)
        case EvenPolynomialConfig():
            return _polynomial_data(config, seed)


def _polynomial_data(config: EvenPolynomialConfig, seed: int) -> tuple[Distribution, Dataset]:
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
    return source, source.examples(n, held_out=config.fresh)
