"""What a checkpoint of a run that goes on is checked for before its weights are taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classical.training.breaks import Progress
from hybrid_train.errors import CheckpointError
from hybrid_train.experiments.halfway import Halfway
from hybrid_train.finder.bank import DenseBank
from hybrid_train.finder.cost import Cost, SimulationCost

WEIGHTS = np.arange(6.0).reshape(3, 2)


def halfway(weights: np.ndarray) -> Halfway:
    cost, simulation = Cost(inner_products=7, nodes_visited=3), SimulationCost(circuits=2)
    memory, kept = {"velocity": WEIGHTS + 1}, {"step": 4}
    progress = Progress(5, 0.25, 2, cost, simulation, 1.5, memory, kept)
    return Halfway(progress, [weights], [None], (17, "digest"), np.array([1, 2]), [3, 5])


def test_all_of_it_comes_back(tmp_path: Path) -> None:
    given = halfway(WEIGHTS)
    given.write(tmp_path / "a.npz")
    found = Halfway.read(tmp_path / "a.npz", "a.npz")
    assert found.progress.cost == given.progress.cost
    assert found.progress.simulation == given.progress.simulation
    for name in ("step", "learning_rate", "moved", "finder_seconds"):
        assert getattr(found.progress, name) == getattr(given.progress, name)
    assert np.array_equal(found.progress.memory["velocity"], WEIGHTS + 1)
    assert found.progress.kept["step"] == 4
    assert (found.metrics, list(found.breaks)) == ((17, "digest"), [3, 5])
    assert found.counts.tolist() == [1, 2]
    bank = DenseBank(np.zeros((3, 2)))
    found.put([bank], "a.npz")
    assert np.array_equal(bank[:], WEIGHTS)


@pytest.mark.parametrize(
    "weights",
    [WEIGHTS[:2], WEIGHTS[0], WEIGHTS.astype(np.float32), WEIGHTS.astype(int), WEIGHTS * np.nan, WEIGHTS + np.inf],
    ids=["rows", "flat", "single", "whole", "nan", "inf"],
)
def test_weights_that_do_not_fit_are_refused(weights: Any) -> None:
    bank = DenseBank(np.zeros((3, 2)))
    with pytest.raises(CheckpointError, match="damaged"):
        halfway(weights).put([bank], "a.npz")
    assert not bank[:].any()
