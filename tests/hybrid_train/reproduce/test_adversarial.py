from __future__ import annotations

from typing import Any

from hybrid_train.reproduce.adversarial import judged_activation, judged_robustness


def row(end: float, robust: float) -> dict[str, Any]:
    return {"losses": [1.0, end], "robust": robust, "clean": 1.0, "products": 2.0, "dense": 1.0, "apart": 0.5}


def test_only_radii_at_which_the_classes_are_apart_have_to_be_learned() -> None:
    assert judged_robustness([0.0, 0.2, 0.4], [row(0.1, 1.0), row(0.2, 0.9), row(0.9, 0.0)]).holds == "yes"
    assert judged_robustness([0.0, 0.2, 0.4], [row(0.1, 1.0), row(0.8, 0.9), row(0.9, 0.0)]).holds == "no"


def test_few_means_less_than_a_share_of_the_width_and_within_the_bound() -> None:
    widths = [256, 512, 1024, 2048]
    few, many = [m**0.8 for m in widths], [0.001 * m**1.14 for m in widths]
    assert judged_activation(widths, few, widths).holds == "yes"
    assert judged_activation(widths, many, widths).holds == "no"
    assert judged_activation(widths, few, [1.0] * 4).holds == "no"
