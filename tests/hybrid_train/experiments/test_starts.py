"""Every kind of network has a start, and its start the theory's subject."""

from __future__ import annotations

import pytest

from hybrid_train.config import load_config
from hybrid_train.config.schema import NETWORK_KINDS
from hybrid_train.experiments.setting import Setting
from hybrid_train.experiments.starts import STARTS, Start
from hybrid_train.support.registry import load_class
from hybrid_train.theory.check import SUBJECTS

TABLES = [
    *({"kind": kind} | ({"grid": [2, 2], "kernel": 2} if kind == "convolutional" else {}) for kind in NETWORK_KINDS),
    {"activation": "jump"},
]


def test_every_start_can_be_loaded() -> None:
    assert all(issubclass(load_class(name, STARTS, "start"), Start) for name in STARTS)


def test_every_start_is_a_subject() -> None:
    assert sorted(subject.start for subject in SUBJECTS) == sorted(STARTS)


@pytest.mark.parametrize("network", TABLES, ids=str)
def test_every_kind_starts(network: dict[str, object]) -> None:
    config = load_config({"data": {"kind": "sphere", "n": 4, "dim": 4}, "network": network})
    assert type(Setting.of(config).kind) is load_class(config.network.starts_as, STARTS, "start")
