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
    n, width, steps = effort.pick((32, 256, 300), (96, 1024, 1000))
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


_THRESHOLDS: dict[str, dict[str, float]] = {"τ = 0": {"tau": 0.0}, "a tenth fires": {"fraction": 0.1}}
"""The first is what the lemma assumes, tau = O(1/m)."""


def pseudo_network(effort: Effort) -> Finding:
    """Look at the largest distance of a network to its pseudo-network along training, against the width."""
    widths = effort.pick((256, 1024, 4096), tuple(1 << e for e in range(8, 14)))
    gaps = {
        name: [
            max(effort.piece(f"pseudo-network, {name}, m={m}", partial(_along, effort, m, threshold))["gap"])
            for m in widths
        ]
        for name, threshold in _THRESHOLDS.items()
    }
    return judged_gaps(widths, gaps)


def judged_gaps(widths: Sequence[int], gaps: dict[str, list[float]]) -> Finding:
    """Judge: with tau = 0 the largest gap falls as m^{-1/10} or faster.

    Args:
        widths: m.
        gaps: for each threshold, tau = 0 the first, the largest |f - g| at each width.
    """
    laws = {name: PowerLaw.fit(widths, values) for name, values in gaps.items()}
    assumed, *_ = laws.values()
    fall = gaps[next(iter(gaps))][0] * (widths[0] / np.array(widths)) ** 0.1
    return Finding(
        verdict(assumed.exponent <= -0.1 + 2.0 * assumed.exponent_sem and assumed.exponent < 0.0),
        "; ".join(f"sup |f - g| ~ m^{exponent_text(law)}, {name}" for name, law in laws.items()),
        "falls as m^(-1/10) or faster where τ = O(1/m) (Lemma 5.8)",
        "on the training examples, at the stable rate of each width; the lemma's proof as it stands gives m^(1/10): "
        f"neurons that cross a τ on the scale of their values all jump one way; m = {widths[0]}..{widths[-1]}",
        [
            Panel(
                "network and pseudo-network",
                "width m",
                "sup |f - g|",
                [
                    *(curve(name, widths, values) for name, values in gaps.items()),
                    curve("m^(-1/10)", widths, fall, predicted=True),
                ],
            )
        ],
        {
            "exponent": assumed.exponent,
            "exponent_sem": assumed.exponent_sem,
            "exponents": {name: law.exponent for name, law in laws.items()},
        },
    )


def _along(effort: Effort, width: int, threshold: dict[str, float]) -> dict[str, Any]:
    found = check_theory(
        {
            "data": _DIGITS | {"n": 16},
            "network": {"width": width, "activation": "jump"} | threshold,
            "training": {"steps": effort.pick(10, 30), "loss": "logistic", "learning_rate": "auto"},
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


def convergence(effort: Effort) -> Finding:
    """Train at the rate that Theorem 5.12 prints, and at the one its gradient's true norm gives, at several widths."""
    widths = effort.pick((1024, 4096, 16384), tuple(1 << e for e in range(10, 17)))
    rows = {
        which: [effort.piece(f"{which} rate at m={m}", partial(_at_rate, effort, m, which)) for m in widths]
        for which in ("printed", "balanced")
    }
    return judged_rates(list(widths), rows)


def judged_rates(widths: list[int], rows: dict[str, list[list[float]]]) -> Finding:
    """Judge: at every width the mean robust loss over the steps stays below that of the start.

    Args:
        widths: m.
        rows: "printed" and "balanced", the losses of each step at each width.
    """
    average = {which: [float(np.mean(losses[:-1])) for losses in courses] for which, courses in rows.items()}
    start = [losses[0] for losses in rows["printed"]]
    laws = {which: PowerLaw.fit(widths, values) for which, values in average.items()}
    below = {which: all(a < b for a, b in zip(values, start, strict=True)) for which, values in average.items()}
    other = "stays below it" if below["balanced"] else "does not stay below it"
    return Finding(
        verdict(below["printed"]),
        f"mean robust loss ~ m^{exponent_text(laws['printed'])} at the printed rate, "
        f"{average['printed'][-1]:.3g} at m = {widths[-1]}, {start[-1]:.3g} at the start; at the balanced rate "
        f"{average['balanced'][-1]:.3g}, which {other}",
        "the mean robust loss over T steps is within ε of that of the best W*, at η = K m^(-1/5) T^(-1/2)",
        f"T = {len(rows['printed'][0]) - 1} steps, absolute loss, τ = 0, four points of a circle, ρ = 0.1. The proof "
        "takes ||grad||² <= m^(1/5) where m neurons have m^(-2/5) each, m^(3/5): balanced with W* at K m^(-4/5), as in "
        "Lemma 4.7, the rate is K m^(-3/5) T^(-1/2). K is 1 and 10",
        [
            Panel(
                "mean robust loss over the steps",
                "width m",
                "mean loss",
                [
                    curve("printed rate", widths, average["printed"]),
                    curve("balanced rate", widths, average["balanced"]),
                    curve("at the start", widths, start, predicted=True),
                ],
            ),
            Panel(
                f"m = {widths[-1]}",
                "step t",
                "robust loss",
                [curve(f"{which} rate", range(len(courses[-1])), courses[-1]) for which, courses in rows.items()],
                "y",
            ),
        ],
        {"exponents": {which: law.exponent for which, law in laws.items()}, "mean_losses": average},
    )


_BALANCED = 10.0
"""K of W* = W(0) + O(K m^(-4/5))."""


def _at_rate(effort: Effort, width: int, which: str) -> list[float]:
    """Return the mean robust losses of W(0) .. W(T)."""
    n, steps = 4, 16
    rate: float | str = "theorem" if which == "printed" else _BALANCED * width**-0.6 * steps**-0.5 / n
    row = run(
        {
            "data": {"kind": "sphere", "n": n, "dim": 2},
            "network": {"width": width, "activation": "jump", "tau": 0.0},
            "training": {"algorithm": "adversarial", "steps": steps, "loss": "absolute", "learning_rate": rate},
            "adversary": {"kind": "pgd", "norm": "l2", "rho": 0.1, "steps": 3},
            "finder": {"kind": "scan"},
            "run": {"seed": effort.seed},
        }
    ).row
    return [loss / n for loss in row["losses"]]


CLAIMS = (
    Claim("robustness", "ADV Theorem 4.1", "Training against an adversary makes the robust loss small.", robustness),
    Claim("convergence", "ADV Theorem 5.12", "The mean robust loss comes near that of the best weights.", convergence),
    Claim("pseudo_network", "ADV Lemma 5.8", "The network stays near its pseudo-network.", pseudo_network),
    Claim("activated", "ADV Lemma 5.15", "Few neurons are activated.", activated),
)
