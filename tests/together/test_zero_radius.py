"""An adversary with a ball of radius 0 looks and moves, and changes nothing, whoever finds the neurons."""

from __future__ import annotations

from typing import Any

import pytest

from hybrid_train import run
from hybrid_train.finder.registry import FINDERS

CONFIG: dict[str, Any] = {
    "data": {"kind": "sphere", "n": 8, "dim": 2},
    "network": {"width": 64},
    "training": {"algorithm": "adversarial", "steps": 2, "loss": "logistic", "learning_rate": 0.5},
}
BATCHES: dict[str, Any] = {"batch_size": 3}
OPTIONS: dict[str, Any] = {"pgd": {"steps": 2, "random_start": True}, "fgsm": {}, "none": {}}
INEXACT = ("lsh", "empty")


def losses(finder: dict[str, Any], training: dict[str, Any], adversary: dict[str, Any]) -> list[float]:
    sections = {"finder": finder, "training": CONFIG["training"] | training, "adversary": {"rho": 0.0} | adversary}
    result = run(CONFIG | sections)
    assert result.row["losses"] == pytest.approx(result.row["clean_losses"], rel=1e-12)
    return list(result.row["losses"])


@pytest.mark.parametrize("kind", FINDERS)
@pytest.mark.parametrize("training", [{}, {"index": "data"}, BATCHES], ids=["all", "data", "batches"])
def test_every_finder_trains_as_on_clean_examples(kind: str, training: dict[str, Any]) -> None:
    finder = {"kind": kind} | ({"engine": "closed_form"} if kind == "grover" else {})
    ours = losses(finder, training, {"kind": "pgd", "norm": "l2", **OPTIONS["pgd"]})
    if kind not in INEXACT:
        assert ours == pytest.approx(losses({"kind": "scan"}, training, {"kind": "none"}), rel=1e-9)


@pytest.mark.parametrize("finder", [{"kind": "skin"}, {"kind": "skin", "gram": False}, {"kind": "auto"}])
@pytest.mark.parametrize("adversary", OPTIONS)
@pytest.mark.parametrize("norm", ["l2", "linf"])
@pytest.mark.parametrize("training", [{}, BATCHES], ids=["all", "batches"])
def test_finders_that_follow_train_under_every_adversary(
    finder: dict[str, Any], adversary: str, norm: str, training: dict[str, Any]
) -> None:
    ours = losses(finder, training, {"kind": adversary, "norm": norm, **OPTIONS[adversary]})
    assert ours == pytest.approx(losses({"kind": "scan"}, training, {"kind": "none"}), rel=1e-9)
