"""What a config's finders are told before they start."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hybrid_train.config import load_config
from hybrid_train.experiments import assembly
from hybrid_train.experiments.setting import Setting


def test_every_bank_has_a_finder_with_randomness_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The finders of two layers with one seed would miss neurons together, and what they may miss would not add up."""
    told: list[Any] = []

    class Told:
        def plan(self, *, seed: np.random.SeedSequence, total_queries: int) -> None:
            told.append((tuple(seed.generate_state(4)), total_queries))

    monkeypatch.setattr(assembly, "make_finder", lambda kind, **options: Told())
    tables = {"data": {"kind": "sphere", "n": 6, "dim": 4}, "network": {"kind": "deep", "width": 8, "depth": 3}}
    for seed in (0, 1):
        config = load_config(tables | {"run": {"seed": seed}})
        setting = Setting.of(config)
        for _ in range(2):
            make = assembly.planned_finders(config, setting)
            for bank in range(4):
                make(bank)
    seeds = [seed for seed, _ in told]
    assert seeds[:4] == seeds[4:8]
    assert len(set(seeds)) == 8
    assert len({total for _, total in told}) == 1
