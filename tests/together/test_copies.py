"""A finder that was copied, or sent to another process, answers and charges as the original does."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from qiskit.primitives import StatevectorSampler
from qiskit.providers.fake_provider import GenericBackendV2

from hybrid_train import ActiveSetFinder, make_finder
from hybrid_train.finder.registry import finder_kinds

FINDERS: dict[str, tuple[str, dict[str, Any]]] = {
    **{name: (name, {}) for name in finder_kinds()},
    "warm": ("grover", {"strategy": "warm"}),
    "bbht": ("grover", {"strategy": "bbht", "growth": 1.1, "engine": "closed_form"}),
    "arithmetic": ("grover", {"prior": "previous", "oracle": "arithmetic", "bits": 2, "engine": "closed_form"}),
    "noise": ("grover", {"noise": {"depolarizing": 1e-3, "readout": 1e-3}}),
    "sampler": ("grover", {"sampler": StatevectorSampler(seed=np.random.default_rng(1))}),
    "backend": ("grover", {"backend": GenericBackendV2(3, seed=1, noise_info=False)}),
}
POINTS = np.random.default_rng(0).standard_normal((6, 2))
QUERIES = np.random.default_rng(1).standard_normal((2, 2))


def pickled(finder: ActiveSetFinder) -> ActiveSetFinder:
    copied: ActiveSetFinder = pickle.loads(pickle.dumps(finder))
    return copied


def start(finder: ActiveSetFinder) -> None:
    finder.plan(seed=np.random.SeedSequence(1), total_queries=100)
    finder.build(POINTS, QUERIES, 0.5)


@pytest.mark.filterwarnings("ignore:Qiskit backend .* has no QubitProperties")
@pytest.mark.parametrize("copied", [copy.deepcopy, pickled])
@pytest.mark.parametrize("stage", ["new", "built", "used"])
@pytest.mark.parametrize("which", FINDERS)
def test_a_copy_answers_as_the_original(
    which: str, stage: str, copied: Callable[[ActiveSetFinder], ActiveSetFinder]
) -> None:
    name, options = FINDERS[which]
    finder = make_finder(name, **options)
    if stage != "new":
        start(finder)
    if stage == "used":
        finder.find()
    twin = copied(finder)
    if stage == "new":
        start(finder)
        start(twin)
    answers = [one.find() for one in (finder, twin)]
    assert answers[0].same_sets(answers[1])
    if "backend" not in options:  # whose shots are its own
        assert finder.cost == twin.cost
    for one in (finder, twin):
        one.move_points([0], POINTS[[0]] * -2.0)
    assert finder.find().same_sets(twin.find())
