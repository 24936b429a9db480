"""The run of a config as the theory looks at it: unaudited, and at W(steps) when it ends."""

from __future__ import annotations

from dataclasses import replace

from classical.training.loop import Training
from hybrid_train.config import Config
from hybrid_train.experiments.assembly import make_training, planned_finders
from hybrid_train.experiments.setting import Setting
from hybrid_train.network.storing import Network


def watched_training(config: Config, setting: Setting, network: Network) -> Training:
    """Return the training a config describes, without its audits and whatever weights it would keep.

    The clock has no say in it, so that a check that is taken up again comes to the same.

    Args:
        config: valid.
        setting: of it.
        network: at W(0); it is moved.
    """
    unaudited = config.run.model_copy(update={"audit_every": 0})
    last = config.training.model_copy(update={"keep": "last"})
    finders = planned_finders(config, setting, timeless=True)
    return make_training(replace(config, run=unaudited, training=last), setting, network, finders)
