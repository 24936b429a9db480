from __future__ import annotations

from typing import Any

from hybrid_train.reproduce.adversarial import judged_activation, judged_gaps, judged_rates, judged_robustness


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


def test_a_rate_at_which_wide_networks_overshoot_is_seen() -> None:
    good, bad = [1.0, 0.5, 0.2, 0.1], [1.0, 3.0, 2.0, 3.0]
    found = judged_rates([100, 1000, 10_000], {"printed": [good, good, bad], "balanced": [good] * 3})
    assert found.holds == "no"
    assert "stays below it" in found.measured
    assert found.numbers["mean_losses"]["balanced"] == [(1.0 + 0.5 + 0.2) / 3] * 3
    assert judged_rates([100, 1000, 10_000], {"printed": [good] * 3, "balanced": [good] * 3}).holds == "yes"


def test_a_gap_has_to_fall_with_the_power_that_is_promised() -> None:
    widths = [256, 1024, 4096]
    fast, slow, rising = ([m**power for m in widths] for power in (-0.3, -0.02, 0.2))
    assert judged_gaps(widths, {"τ = 0": fast, "a tenth fires": rising}).holds == "yes"
    assert judged_gaps(widths, {"τ = 0": slow, "a tenth fires": fast}).holds == "no"
    assert judged_gaps(widths, {"τ = 0": rising}).holds == "no"
