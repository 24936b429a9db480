"""What the sections of a config ask of each other."""

from __future__ import annotations

from collections.abc import Iterator

from hybrid_train.config.deep_networks import DeepSection
from hybrid_train.config.linearised_networks import LinearisedSection
from hybrid_train.config.schema import Config, NetworkConfig


def combination_errors(config: Config) -> list[str]:
    """Return what is wrong between sections that are valid by themselves, one line each."""
    topics = (
        _fresh_errors,
        _batch_errors,
        _adversary_errors,
        _deep_errors,
        _storage_errors,
        _optimiser_errors,
        _proof_errors,
    )
    return [error for topic in topics for error in topic(config)]


def _fresh_errors(config: Config) -> Iterator[str]:
    training = config.training
    if not config.data.fresh:
        return
    if training.algorithm != "sgd":
        yield (
            f"data.n: missing, expected a number of examples for training.algorithm={training.algorithm!r}; "
            "fresh examples in every step need training.algorithm='sgd'"
        )
    if training.index == "data":
        yield (
            "training.index='data': expected 'neurons', since fresh examples leave no data to index; "
            "or give data.n, a number of examples to keep"
        )
    if training.replacement:
        yield (
            f"training.replacement={training.replacement!r}: remove it, fresh examples are always independent; "
            "or give data.n"
        )


def _batch_errors(config: Config) -> Iterator[str]:
    size, n = config.training.batch_size, config.data.size
    if size is not None and n is not None and size > n:
        yield f"training.batch_size={size}: expected at most {n}, which is data.n"


def _adversary_errors(config: Config) -> Iterator[str]:
    algorithm = config.training.algorithm
    if config.adversary is not None and algorithm != "adversarial":
        yield f"training.algorithm={algorithm!r}: expected 'adversarial', since there is an [adversary] table"
    network = config.network
    if isinstance(network, LinearisedSection) and algorithm == "adversarial":
        yield (
            f"training.algorithm='adversarial': expected 'gd' or 'sgd' for network.kind={network.kind!r}, "
            "whose examples nobody moves"
        )
    if isinstance(network, NetworkConfig) and network.activation == "jump" and config.data.fresh:
        yield (
            "network.activation='jump': expected 'relu' for fresh examples; "
            "or give data.n, a number of examples to keep"
        )


def _storage_errors(config: Config) -> Iterator[str]:
    network, training = config.network, config.training
    if not isinstance(network, NetworkConfig) or network.storage == "stored":
        return
    if config.data.fresh or training.algorithm == "adversarial":
        yield f"network.storage={network.storage!r}: expected 'stored', since the examples do not stay where they are"
    if network.storage == "seeded":
        yield from _seeded_errors(config, network)


def _seeded_errors(config: Config, network: NetworkConfig) -> Iterator[str]:
    if network.activation != "relu":
        yield "network.storage='seeded': expected 'stored' or 'live' for network.activation='jump'"
    if config.finder.kind != "skin" or config.finder.options.get("gram") is False:
        yield (
            f"network.storage='seeded': expected 'stored' for finder.kind={config.finder.kind!r}; weights that are "
            "not stored can only be followed by finder.kind='skin'"
        )
    if config.training.kept != "last":
        yield f"training.keep={config.training.kept!r}: expected 'last' for network.storage='seeded'"


def _optimiser_errors(config: Config) -> Iterator[str]:
    if config.training.learning_rate == "theorem" and not (
        config.training.plain and config.training.schedule == "constant"
    ):
        yield (
            "training.learning_rate='theorem': expected a number or 'auto', since the theorems speak of plain descent "
            "at a constant rate"
        )
    if config.training.plain:
        return
    name = "optimiser" if config.training.optimiser != "descent" else "weight_decay"
    given = f"training.{name}={getattr(config.training, name)!r}"
    if not isinstance(config.network, NetworkConfig):
        yield f"{given}: remove it, it is for network.kind='two_layer'"
    elif config.network.storage == "seeded":
        yield f"{given}: remove it, it is for network.storage='stored'"


def _proof_errors(config: Config) -> Iterator[str]:
    if not config.run.proof:
        return
    if config.run.breaks:
        yield "run.proof=True: remove it, or run.checkpoint: proofs follow the weights from the first step to the last"
    if isinstance(config.network, NetworkConfig) and config.network.storage != "stored":
        yield f"network.storage={config.network.storage!r}: expected 'stored' for run.proof=True, which writes W down"


def _deep_errors(config: Config) -> Iterator[str]:
    if isinstance(config.network, DeepSection) and config.training.index == "data":
        yield (
            f"training.index='data': expected 'neurons' for network.kind={config.network.kind!r}, "
            "whose upper layers have no data that stay"
        )
