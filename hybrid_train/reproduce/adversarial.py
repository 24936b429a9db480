"""The claims of ADV: robust training, the adversary's cost, activated neurons, the pseudo-network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from hybrid_train.config import load_config
from hybrid_train.experiments.runs import run
from hybrid_train.experiments.setting import Setting
from hybrid_train.reproduce.claim import Claim, Effort, Finding, Panel, curve, exponent_text, verdict
from hybrid_train.support.power_law import PowerLaw
from hybrid_train.theory.check import check_theory
from hybrid_train.theory.predictions.adversarial import activation_bound

_DIGITS = {"kind": "digits", "classes": [3, 8]}


def robustness(effort: Effort) -> Finding:
    """Train against adversaries of several radii; look at robust and clean accuracy, and at what the attack costs."""
    radii = effort.pick((0.0, 0.15, 0.4), (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4))
    rows = [effort.piece(f"adversary of radius {rho:g}", partial(_robust, effort, rho)) for rho in radii]
    return judged_robustness(list(radii), rows)


def judged_robustness(radii: list[float], rows: list[dict[str, Any]]) -> Finding:
    """Judge: where balls of both classes are apart the robust loss falls to less than half, and accuracy bounds it."""
    apart = rows[0]["apart"]
    asked = [row for rho, row in zip(radii, rows, strict=True) if 2.0 * rho < apart]
    learned = [row for row in asked if row["losses"][-1] < 0.5 * row["losses"][0] and row["robust"] <= row["clean"]]
    robust, clean = ([row[key] for row in rows] for key in ("robust", "clean"))
    products = [row["products"] / row["dense"] for row in rows]
    return Finding(
        verdict(len(learned) == len(asked)),
        f"robust loss falls by half or more at {len(learned)} of {len(asked)} radii below {apart / 2:.2f}; robust "
        f"accuracy {robust[0]:.2f} at ρ = {radii[0]:g}, "
        f"{robust[-1]:.2f} at {radii[-1]:g}",
        "the robust training loss falls to any ε where balls of both classes do not meet",
        "PGD in the ball of radius ρ around unit images, threes against eights; a dense step is one m n inner "
        "products, and "
        "one more for each look of the adversary",
        [
            Panel(
                "accuracy after training",
                "radius ρ",
                "accuracy",
                [curve("clean", radii, clean), curve("robust", radii, robust)],
                "",
            ),
            Panel(
                "robust loss",
                "radius ρ",
                "mean loss",
                [
                    curve("at the start", radii, [row["losses"][0] for row in rows]),
                    curve("at the end", radii, [row["losses"][-1] for row in rows]),
                ],
                "",
            ),
            Panel("cost of a step", "radius ρ", "in units of m n", [curve("inner products", radii, products)], ""),
        ],
    )


def _robust(effort: Effort, rho: float) -> dict[str, Any]:
    n, width, steps = effort.pick((32, 256, 300), (96, 1024, 200))
    config = load_config(
        {
            "data": _DIGITS | {"n": n},
            "network": {"width": width, "activation": "jump", "fraction": 0.1},
            "training": {"algorithm": "adversarial", "steps": steps, "loss": "logistic"},
            "adversary": {"kind": "pgd", "norm": "l2", "rho": rho, "steps": 3},
            "finder": {"kind": "skin"},
            "run": {"seed": effort.seed},
        }
    )
    row = run(config).row
    return {
        "losses": [loss / n for loss in row["losses"]],
        "robust": row["robust_accuracy"],
        "clean": row["accuracy"],
        "products": row["inner_products"] / (steps + 1),
        "dense": n * width,
        "apart": _apart(Setting.of(config)),
    }


def _apart(setting: Setting) -> float:
    """Return the least distance between examples of different classes."""
    inputs, classes = setting.inputs, setting.targets[:, 0]
    gaps = np.linalg.norm(inputs[:, None] - inputs[None], axis=2)
    return float(gaps[classes[:, None] != classes[None]].min())


def pseudo_network(effort: Effort) -> Finding:
    """Look at the largest distance of a network to its pseudo-network along training, against the width."""
    widths = effort.pick((256, 512, 1024), tuple(1 << e for e in range(8, 14)))
    rows = [effort.piece(f"pseudo-network at m={m}", partial(_along, effort, m)) for m in widths]
    gaps = [max(row["gap"]) for row in rows]
    law = PowerLaw.fit(widths, gaps)
    return Finding(
        verdict(law.exponent + 2.0 * law.exponent_sem < 0.0),
        f"sup |f - g| ~ m^{exponent_text(law)}",
        "falls to 0 as m grows",
        "on the training examples; τ such that a tenth fires, so the lemma's assumption τ = O(1/m) fails; m = "
        f"{widths[0]}"
        f"..{widths[-1]}",
        [
            Panel(
                "network and pseudo-network",
                "width m",
                "sup |f - g|",
                [
                    curve("along training", widths, gaps),
                    curve("m^(-1/2)", widths, gaps[0] * np.sqrt(widths[0] / np.array(widths)), predicted=True),
                ],
            )
        ],
        {"exponent": law.exponent, "exponent_sem": law.exponent_sem},
    )


def _along(effort: Effort, width: int) -> dict[str, Any]:
    found = check_theory(
        {
            "data": _DIGITS | {"n": 16},
            "network": {"width": width, "activation": "jump", "fraction": 0.1},
            "training": {"steps": effort.pick(10, 30), "loss": "logistic", "learning_rate": 0.5},
            "run": {"seed": effort.seed},
        },
        costs=False,
    )
    return {"gap": found.series["gap_on_examples"], "fired": found.series["fired_max"]}


def activated(effort: Effort) -> Finding:
    """Count activated neurons along training with tau = K m^{-3/5}, K the same at every width."""
    widths = effort.pick((256, 512, 1024), tuple(1 << e for e in range(8, 14)))
    rows = [effort.piece(f"activated at m={m}", partial(_activated, effort, m)) for m in widths]
    fired = [max(row["fired"]) for row in rows]
    return judged_activation(widths, fired, [row["bound"] for row in rows])


def judged_activation(widths: Sequence[int], fired: Sequence[float], bounds: Sequence[float]) -> Finding:
    """Judge counts by the bound of the lemma, and by the m^c with c < 1 that it says the bound is.

    With K fixed exp(-K^2 / (4 m^{1/5})) tends to 1, so that the share of activated neurons grows: the bound is no such
    power, and a yes to it alone would say nothing of sparsity.
    """
    law = PowerLaw.fit(widths, fired)
    within = all(one <= bound for one, bound in zip(fired, bounds, strict=True))
    inside = "within" if within else "beyond"
    return Finding(
        verdict(within and law.exponent < 1.0),
        f"most activated neurons of a datum ~ m^{exponent_text(law)}, {inside} the bound",
        "at most the bound of Lemma 5.15, which is O(m^c) with c < 1",
        f"τ = K m^(-3/5) with K = 4, the most of all data along training; m = {widths[0]}..{widths[-1]}; with K fixed "
        "the bound tends to 2 m",
        [
            Panel(
                "activated neurons",
                "width m",
                "most of a datum",
                [curve("along training", widths, fired), curve("Lemma 5.15", widths, bounds, predicted=True)],
            )
        ],
        {"exponent": law.exponent},
    )


def _activated(effort: Effort, width: int) -> dict[str, Any]:
    found = check_theory(
        {
            "data": _DIGITS | {"n": 16},
            "network": {"width": width, "activation": "jump", "k": 4.0},
            "training": {"steps": 5, "loss": "logistic", "learning_rate": 0.5},
            "run": {"seed": effort.seed},
        },
        costs=False,
    )
    return {"fired": found.series["fired_max"], "bound": activation_bound(width, found.series["threshold"])}


CLAIMS = (
    Claim("robustness", "ADV Theorem 4.1", "Training against an adversary makes the robust loss small.", robustness),
    Claim("pseudo_network", "ADV Lemma 5.14", "The network stays near its pseudo-network.", pseudo_network),
    Claim("activated", "ADV Lemma 5.15", "Few neurons are activated.", activated),
)
