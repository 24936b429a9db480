"""From a config to a training run: algorithms are put together from batches, dynamics and what is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from classical.training.breaks import Breaks, Progress
from classical.training.keeping import Judge
from classical.training.loop import StepRecord, Training
from hybrid_train.adversaries import Ball, make_adversary, make_ball
from hybrid_train.config import Config
from hybrid_train.errors import InvariantError
from hybrid_train.experiments.judging import judge_of, plain_judge
from hybrid_train.experiments.setting import Setting
from hybrid_train.experiments.starts import Course, Finders
from hybrid_train.experiments.theorem_rate import theorem_rate
from hybrid_train.finder.interface import ActiveSetFinder
from hybrid_train.finder.registry import make_finder
from hybrid_train.network.storing import Network
from hybrid_train.support.rng import Role, seed_key
from hybrid_train.training.adversary import Adversary
from hybrid_train.training.batches import Batches, FreshBatches, FullBatch, MiniBatches
from hybrid_train.training.dynamics import Dynamics
from hybrid_train.training.losses import encoded_draw
from hybrid_train.training.optimisers import make_optimiser


def planned_finders(config: Config, setting: Setting, begin: int = 0, *, timeless: bool = False) -> Finders:
    """Return what makes finders that know how much will be asked of them, at most.

    Args:
        config: of the run.
        setting: data and kind of network.
        begin: the step of the break that they begin at; their random choices are others than those before it.
        timeless: whether the clock has no say in it, as where there are breaks: the run that is taken up again has to
            equal the unbroken one.
    """
    total = planned_queries(config, setting)

    def make(bank: int) -> ActiveSetFinder:
        finder = make_finder(config.finder.kind, **config.finder.options)
        finder.plan(seed=seed_key(config.run.seed, Role.FINDER, bank, begin), total_queries=total)
        if timeless or config.run.breaks:
            finder.ignore_clock()
        return finder

    return make


def planned_queries(config: Config, setting: Setting) -> int:
    """Return how many queries a run asks, at most: every example of every step and of the last look at all data.

    An adversary has them asked again each time it moves the examples. In a deep network they are the queries of all
    its finders, so that what each may miss adds up to what one may; all examples are seen once before the first step.
    """
    training, n, kind = config.training, setting.examples(config), setting.kind
    adversary = _adversary(config, setting)
    looks = 1 + (adversary.looks if adversary else 0)
    if training.index == "data":
        return sum(search.queries for search in kind.searches(n, "data")) * (training.steps + 1) * looks
    examples = ((training.batch_size or n) * training.steps + n) * looks
    begins = 1 + config.run.most_breaks(training.steps)
    return kind.queries * (examples + begins * kind.passes_first * n)


def make_training(
    config: Config,
    setting: Setting,
    network: Network,
    finders: Finders,
    *,
    n: int | None = None,
    steps: int | None = None,
    breaks: Breaks | None = None,
    begin: Progress | None = None,
) -> Training:
    """Return the training a config describes.

    Args:
        config: of the run.
        setting: data and loss.
        network: at W(0); it is moved.
        finders: see :func:`planned_finders`.
        n: only the first n examples, and of a batch no more; all by default.
        steps: instead of the config's.
        breaks: see :class:`classical.training.breaks.Breaks`; by itself none.
        begin: where the run is taken up; the network is there already.

    Raises:
        ConfigError: a batch of more examples than there are.
    """
    training = config.training
    batches = _batches(config, setting, n)
    return Training(
        make_dynamics(config, setting, network, finders, n),
        batches,
        setting.loss,
        steps=training.steps if steps is None else steps,
        learning_rate=_rate(config, setting),
        adversary=_adversary(config, setting),
        keep=training.kept,
        seed=config.run.seed,
        audit_every=config.run.audit_every,
        judge=None if training.kept != "best" else _judge(config, setting, network),
        schedule=training.schedule,
        breaks=breaks,
        begin=begin,
    )


def _rate(config: Config, setting: Setting) -> float | Literal["auto"]:
    rate = config.training.learning_rate
    if rate == "theorem":
        return theorem_rate(config, setting).value
    return rate


def _judge(config: Config, setting: Setting, network: Network) -> Judge | None:
    """Return what tells the best W(t): the loss of a step itself, where every step sees all data."""
    if config.training.batch_size is None:
        return None
    if config.adversary is None:
        return plain_judge(config, setting, network)
    adversary = _adversary(config, setting)
    looks = 1 + (adversary.looks if adversary else 0)
    return judge_of(lambda: attacked(config, setting, network).loss, config, setting, len(setting.inputs), looks)


def attacked(config: Config, setting: Setting, network: Network) -> StepRecord:
    """Return what the adversary of a config does to a network on the whole data set.

    Sets are those of scans, charged to nobody; the network stays as it is.

    Args:
        config: of the run, with an adversary.
        setting: data and loss.
        network: at any weights.
    """
    update: dict[str, Any] = {"keep": "last", "learning_rate": 1.0}
    looking = replace(
        config,
        training=config.training.model_copy(update=update),
        run=config.run.model_copy(update={"audit_every": 0}),
    )
    (record,) = make_training(looking, setting, network, lambda _: make_finder("scan"), steps=0)
    return record


def _batches(config: Config, setting: Setting, n: int | None) -> Batches:
    training, seed = config.training, config.run.seed
    targets = setting.targets[:n]
    if training.batch_size is None:
        return FullBatch(targets)
    size = training.batch if n is None else min(n, training.batch)
    if setting.fresh is not None:
        return FreshBatches(encoded_draw(setting.fresh, setting.loss, setting.outputs), size, seed=seed)
    return MiniBatches(targets, size, seed=seed, replacement=training.replacement or False)


def make_dynamics(
    config: Config, setting: Setting, network: Network, finders: Finders, n: int | None = None
) -> Dynamics:
    """Return the dynamics of the training a config describes, not started; arguments as :func:`make_training`."""
    batches = _batches(config, setting, n)
    fresh, inputs = batches.at(0).inputs, setting.inputs[:n]
    still = config.adversary is None or config.adversary.kind == "none"
    course = Course(
        config.training.index,
        fresh=fresh is not None,
        in_batches=config.training.batch_size is not None,
        reach=None if still else ball_of(config, setting).reach(inputs.shape[1]),
        optimiser=lambda shape: make_optimiser(config.training.optimiser, shape, **config.training.optimiser_options),
    )
    return setting.kind.dynamics(network, inputs if fresh is None else fresh, finders, course)


def _adversary(config: Config, setting: Setting) -> Adversary | None:
    adversary = config.adversary
    if adversary is None:
        return None
    return make_adversary(adversary.kind, ball_of(config, setting), seed=config.run.seed, **adversary.options)


def ball_of(config: Config, setting: Setting) -> Ball:
    """Return where examples may go: on the sphere, and with the last two coordinates of the lifted ones fixed."""
    if config.adversary is None:
        raise InvariantError("a config without an adversary has no ball")
    return make_ball(config.adversary.norm, config.adversary.rho, kept=setting.kind.kept)
