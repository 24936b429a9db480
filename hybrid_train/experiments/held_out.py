"""How a network in training does on data that are held out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, final

from hybrid_train.config import Config
from hybrid_train.errors import CheckpointError
from hybrid_train.experiments.row import HeldOut
from hybrid_train.experiments.setting import Setting
from hybrid_train.network.storing import Network
from hybrid_train.training.scores import Score, Scorer

_LIGHT = 1 << 28
"""Multiplications of a look that may be taken at every step; below a tenth of a second."""


@final
class HeldOutWatch:
    """Scores the network on the held-out data of a setting, found by a scan: charged to no finder, and not timed.

    Args:
        config: of the run.
        setting: with held-out data.

    Attributes:
        every: steps between two looks; the first and the last W(t) are always looked at.
    """

    def __init__(self, config: Config, setting: Setting) -> None:
        dataset, self._inputs = setting.held_out
        self._score = Scorer(dataset, setting.loss, setting.outputs)
        searches = setting.kind.searches(len(dataset), "neurons")
        work = sum(search.points * search.queries * search.dimension for search in searches)
        self.every = max(1, -(-work // _LIGHT))
        self._last_step = config.training.steps
        self._looks: dict[int, Score] = {}
        self._returned: Score | None = None
        self._trained_on = len(setting.inputs)

    def look(self, step: int, network: Network) -> Score | None:
        """Return the score of W(step) if it is time for a look."""
        if step % self.every and step != self._last_step:
            return None
        self._looks[step] = self._score(network.predict(self._inputs))
        return self._looks[step]

    def again(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Take in the looks of a run that is taken up again, as its metrics have them.

        Raises:
            CheckpointError: they are not what a run writes.
        """
        try:
            for record in records:
                if "held_out" in record:
                    look = record["held_out"]
                    loss = math.inf if look["loss"] is None else float(look["loss"])
                    self._looks[int(record["step"])] = Score(loss, look["accuracy"], look["r2"])
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"the metrics of this run are none that it wrote: {error}") from error

    def returned(self, step: int | None, network: Network) -> None:
        """Take note of the network that is returned, which is W(step) if that is a number."""
        known = None if step is None else self._looks.get(step)
        self._returned = self._score(network.predict(self._inputs)) if known is None else known

    @property
    def text(self) -> str:
        """The last look in a few words."""
        latest = next(reversed(self._looks.values()), None)
        return "" if latest is None else f"held-out {latest.text}"

    @property
    def row(self) -> HeldOut:
        """What the row says of it."""
        returned = {} if self._returned is None else self._returned.as_dict()
        return HeldOut(
            held_out_loss=returned.get("loss"),
            held_out_accuracy=returned.get("accuracy"),
            held_out_r2=returned.get("r2"),
            held_out_rows=len(self._inputs),
            training_rows=self._trained_on,
            held_out_steps=list(self._looks),
            held_out_losses=[score.as_dict()["loss"] for score in self._looks.values()],
        )
