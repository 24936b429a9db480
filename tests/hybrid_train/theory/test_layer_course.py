"""Layers along a deep run: each number recomputed from the weights."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from hybrid_train.config import load_config
from hybrid_train.experiments.setting import Setting
from hybrid_train.theory.layer_course import MOST_LOOKS, LayerCourse
from hybrid_train.theory.watched import watched_training

TABLES: dict[str, Any] = {
    "data": {"kind": "sphere", "n": 5, "dim": 4},
    "network": {"kind": "deep", "width": 12, "depth": 2, "threshold": 0.0},
    "training": {"steps": 4, "learning_rate": 0.01},
    "finder": {"kind": "scan"},
}


@pytest.mark.parametrize("kind", ["deep", "residual"])
def test_a_course_is_that_of_the_weights(kind: str) -> None:
    network_table = {"kind": kind, "width": 12, "depth": 2} | ({"threshold": 0.0} if kind == "deep" else {"share": 0.4})
    config = load_config(TABLES | {"network": network_table})
    setting = Setting.of(config)
    network = setting.start_deep(config)
    course = LayerCourse(network, setting.inputs, setting.targets, setting.loss, 4)
    weights = []
    for record in watched_training(config, setting, network):
        course.see(record.step)
        weights.append([np.array(one) for one in network.weights()])
    found = course.as_dict()
    assert found["steps"] == [0, 1, 2, 3, 4]
    assert found["trained"] == [1, 2]
    for layer in (0, 1):
        moved = [np.linalg.norm(now[layer] - weights[0][layer]) for now in weights]
        assert found["movement"][layer] == pytest.approx(moved)
        # a step of plain descent moves along the gradient
        steps = [np.linalg.norm(b[layer] - a[layer]) for a, b in pairwise(weights)]
        assert 0.01 * np.array(found["gradient"][layer][:-1]) == pytest.approx(steps)
    hidden = network.forward(setting.inputs).hidden
    assert [share[-1] for share in found["fired"]] == pytest.approx([(values > 0).mean() for values in hidden])
    assert len(found["fired"]) == 3


def test_long_runs_are_looked_at_now_and_then() -> None:
    config = load_config(TABLES)
    setting = Setting.of(config)
    network = setting.start_deep(config)
    course = LayerCourse(network, setting.inputs, setting.targets, setting.loss, 10_000)
    assert (course.steps[0], course.steps[-1], len(course.steps)) == (0, 10_000, MOST_LOOKS)
    course.see(1)
    assert course.as_dict()["steps"] == []
    course.see(0)
    assert course.as_dict()["movement"] == [[0.0], [0.0]]
