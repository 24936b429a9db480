"""Who says which W(t) of stochastic training is the best: its loss over examples that are the same at every step."""

from __future__ import annotations

from collections.abc import Callable

from classical.training.keeping import Judge
from hybrid_train.config import Config
from hybrid_train.config.data_kinds import HELD_OUT
from hybrid_train.experiments.setting import Setting
from hybrid_train.network.storing import Network
from hybrid_train.support.rng import Role, generator

_LIGHT = 1 << 28
"""Multiplications of a look that may be taken at every step; below a tenth of a second."""


def plain_judge(config: Config, setting: Setting, network: Network) -> Judge:
    """Return who judges by the loss of the network, found by a scan: charged to no finder, and not timed.

    It is the loss summed over the whole data set; where examples are fresh, the mean over 1024 that are drawn once and
    that no step sees, nor the report of the run (its held-out data stay unseen).

    Args:
        config: of the run.
        setting: data and loss.
        network: in training; read as it is at each look.
    """
    inputs, targets, share = setting.inputs, setting.targets, 1.0
    if setting.fresh is not None:
        drawn = setting.fresh.draw(generator(config.run.seed, Role.CHOICE, 1), HELD_OUT)
        inputs, targets = drawn.inputs, setting.loss.encode(drawn, setting.outputs)
        share = 1.0 / len(inputs)
    return judge_of(lambda: share * setting.loss.value(network.predict(inputs), targets), config, setting, len(inputs))


def judge_of(loss: Callable[[], float], config: Config, setting: Setting, examples: int, looks: int = 1) -> Judge:
    """Return a judge that looks at every step where that is light work, else as often as the steps see as much.

    Args:
        loss: over the examples that are judged by.
        config: of the run.
        setting: data and kind of network.
        examples: how many they are.
        looks: how often each is evaluated in a look.
    """
    searches = setting.kind.searches(examples, "neurons")
    work = looks * sum(search.points * search.queries * search.dimension for search in searches)
    epoch = -(-examples // config.training.batch)
    return Judge(loss, min(-(-work // _LIGHT), epoch))


def judging_note(judge: Judge, setting: Setting) -> str:
    """Return a sentence on how the best W(t) was found and what that cost."""
    what = "the whole data set" if setting.fresh is None else f"{HELD_OUT} examples drawn once"
    often = "every step" if judge.every == 1 else f"every {judge.every} steps and the last"
    return (
        f"the network returned is the best W(t) by its loss over {what}, looked at by a scan after {often}, "
        "which is neither timed nor charged to the finder"
    )
