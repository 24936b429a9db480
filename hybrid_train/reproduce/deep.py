"""The claims of DEEP: any depth trains, wide networks are nearly linear, and the landscape along the way."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from hybrid_train.config import load_config
from hybrid_train.data import sphere
from hybrid_train.data.padding import DEEP_LAST, with_last_coordinate
from hybrid_train.experiments.runs import run
from hybrid_train.experiments.setting import Setting
from hybrid_train.network.deep import DeepNetwork, fully_connected
from hybrid_train.reproduce.claim import Claim, Effort, Finding, Panel, curve, exponent_text, falls, verdict
from hybrid_train.support.power_law import PowerLaw
from hybrid_train.theory.check import check_theory
from hybrid_train.theory.landscapes import landscape
from hybrid_train.theory.predictions import deep as predicted
from hybrid_train.theory.watched import watched_training

_DIGITS = {"kind": "digits", "classes": "all"}
_ENOUGH = 0.95


def convergence(effort: Effort) -> Finding:
    """Train deep networks of ReLUs without a shift and look at the loss."""
    n, width, steps = effort.pick((24, 128, 300), (64, 256, 300))
    depths = effort.pick((2, 4), (1, 2, 4, 8))
    courses = {}
    for depth in depths:
        tables = {
            "data": _DIGITS | {"n": n},
            "network": {"kind": "deep", "width": width, "depth": depth, "threshold": 0.0},
            "training": {"steps": steps, "loss": "cross_entropy"},
            "finder": {"kind": "scan"},
            "run": {"seed": effort.seed},
        }
        courses[depth] = effort.piece(f"depth {depth}, no shift", partial(_losses, tables))
    return judged_courses(courses, f"m = {width}, n = {n} digits, cross-entropy, {steps} steps, rate chosen by itself")


def _losses(tables: dict[str, Any]) -> list[float]:
    return list(run(tables).row["losses"])


def judged_courses(courses: dict[int, list[float]], where: str) -> Finding:
    """Judge: at every depth the loss falls to a tenth or less."""
    done = [depth for depth, losses in courses.items() if falls(losses) and losses[-1] <= 0.1 * losses[0]]
    return Finding(
        verdict(len(done) == len(courses)),
        ", ".join(f"L = {depth}: {losses[-1] / losses[0]:.2g} of the loss" for depth, losses in courses.items()),
        "0 in the end, geometrically, whatever the depth",
        f"{where}; m is far below the theorem's polynomial in n and L",
        [
            Panel(
                "training loss by depth, ReLU",
                "step t",
                "loss",
                [curve(f"L = {depth}", range(len(losses)), losses) for depth, losses in courses.items()],
                "y",
            )
        ],
    )


def depths(effort: Effort) -> Finding:
    """Train plain and residual stacks in which a tenth of the neurons fires, of growing depth."""
    every = effort.pick((2, 4), (1, 2, 4, 8))
    table = {
        kind: [effort.piece(f"{kind}, depth {depth}", partial(_accuracy, effort, kind, depth)) for depth in every]
        for kind in ("deep", "residual")
    }
    return judged_depths(list(every), table)


def judged_depths(every: list[int], accuracies: dict[str, list[float]]) -> Finding:
    """Judge: stacks of every depth learn their examples."""
    short = [
        f"{'plain' if kind == 'deep' else kind} L = {depth}: {accuracy:.2f}"
        for kind, row in accuracies.items()
        for depth, accuracy in zip(every, row, strict=True)
        if accuracy < _ENOUGH
    ]
    return Finding(
        verdict(not short),
        f"accuracy below {_ENOUGH}: {', '.join(short)}" if short else f"every accuracy at least {_ENOUGH}",
        "accuracy 1 at any depth, for ReLUs without a shift",
        "a tenth of each layer's neurons fires (shifts fitted to the data), which the theorems do not speak of: few "
        "active "
        "neurons carry little from layer to layer in plain stacks; residual layers keep what is below",
        [
            Panel(
                "depth, a tenth of the neurons firing",
                "depth L",
                "training accuracy",
                [
                    curve("plain", every, accuracies["deep"]),
                    curve("residual", every, accuracies["residual"]),
                ],
                "",
            )
        ],
    )


def _accuracy(effort: Effort, kind: str, depth: int) -> float:
    n, width, steps = effort.pick((32, 128, 60), (128, 256, 150))
    network = {"kind": kind, "width": width, "depth": depth, "share": 0.1}
    if kind == "deep":
        network |= {"threshold": "auto", "calibrate": True}
    row = run(
        {
            "data": _DIGITS | {"n": n},
            "network": network,
            "training": {"steps": steps, "loss": "cross_entropy"},
            "finder": {"kind": "scan"},
            "run": {"seed": effort.seed},
        }
    ).row
    return float(row["accuracy"])


def linearisation(effort: Effort) -> Finding:
    """Look at the gaps of Theorem 5 after the same training, against the width."""
    widths = effort.pick((32, 64, 128), (64, 128, 256, 512, 1024))
    rows = [effort.piece(f"Theorem 5 at m={m}", partial(_gaps, effort, m)) for m in widths]
    laws = {part: PowerLaw.fit(widths, [row[part] for row in rows]) for part in rows[0]}
    return Finding(
        verdict(all(law.exponent < 0.0 for law in laws.values())),
        "; ".join(f"{part}: m^{exponent_text(law)}" for part, law in laws.items()),
        "each falls to 0 as m grows",
        "two trained layers of ReLUs, squared loss, the same number of steps at each width, the rate chosen by itself",
        [
            Panel(
                "distance from the linearised network",
                "width m",
                "gap",
                [curve(part, widths, [row[part] for row in rows]) for part in laws],
            )
        ],
        {"exponents": {part: law.exponent for part, law in laws.items()}},
    )


_PARTS = {
    "DEEP Theorem 5a": "gradient (5a)",
    "DEEP Theorem 5b": "output (5b)",
    "DEEP Theorem 5c": "kernel (5c)",
}


def _gaps(effort: Effort, width: int) -> dict[str, float]:
    found = check_theory(
        {
            "data": _DIGITS | {"n": effort.pick(8, 16)},
            "network": {"kind": "deep", "width": width, "depth": 2, "threshold": 0.0},
            "training": {"steps": effort.pick(5, 20), "loss": "squared"},
            "finder": {"kind": "scan"},
            "run": {"seed": effort.seed},
        }
    )
    return {_PARTS[line.source]: float(line.measured or 0.0) for line in found.lines if line.source in _PARTS}


def balls(effort: Effort) -> Finding:
    """Look at the gaps of Theorem 5 in balls around W(0), against their radius, at several widths."""
    widths = effort.pick((64, 128, 256), (256, 512, 1024))
    rows = {m: effort.piece(f"balls at m={m}", partial(_in_balls, effort, m)) for m in widths}
    return judged_balls(rows)


def judged_balls(rows: dict[int, dict[str, list[float]]]) -> Finding:
    """Judge: at every width each gap falls with omega at least as fast as its bound.

    Args:
        rows: for each width omega, and the gap of each part there.
    """
    laws = {part: {m: PowerLaw.fit(row["omega"], row[part]) for m, row in rows.items()} for part in _POWERS}
    short = [
        f"{part} at m = {m}: ω^{exponent_text(law)}"
        for part, by_width in laws.items()
        for m, law in by_width.items()
        if law.exponent + 2.0 * law.exponent_sem < _POWERS[part]
    ]
    told = (
        f"{part}: " + ", ".join(f"ω^{law.exponent:.2f}" for law in by_width.values()) for part, by_width in laws.items()
    )
    last = max(rows)
    bound = predicted.perturbation_radius(last, _BALL_DEPTH)
    return Finding(
        verdict(not short),
        "; ".join(told) if not short else f"slower than the bound: {', '.join(short)}",
        "gradient and kernel within a constant times ω^(1/3), the output within ω^(4/3)",
        f"two trained layers of ReLUs without shift, unit data with x_d = 2^(-1/2), W - W(0) drawn at random with "
        f"||W_l - W_l(0)||_2 = ω; m = {', '.join(map(str, rows))}; the theorem's own ball is ω <= {bound:.2g} at "
        f"m = {last}",
        [
            Panel(
                part,
                "ω",
                "gap",
                [
                    *(curve(f"m = {m}", row["omega"], row[part]) for m, row in rows.items()),
                    curve(
                        f"ω^({_FRACTIONS[part]})",
                        rows[last]["omega"],
                        rows[last][part][-1]
                        * (np.array(rows[last]["omega"]) / rows[last]["omega"][-1]) ** _POWERS[part],
                        predicted=True,
                    ),
                ],
            )
            for part in laws
        ],
        {"exponents": {part: {str(m): law.exponent for m, law in one.items()} for part, one in laws.items()}},
    )


_BALL_DEPTH = 2
_FRACTIONS = {"gradient (5a)": "1/3", "output (5b)": "4/3", "kernel (5c)": "1/3"}
_POWERS = {part: float(Fraction(power)) for part, power in _FRACTIONS.items()}


def _in_balls(effort: Effort, width: int) -> dict[str, list[float]]:
    """Return the gaps for directions drawn once, at radii from about the theorem's own up to 0.1."""
    inputs = with_last_coordinate(sphere(effort.pick(6, 8), 15, effort.seed).inputs, DEEP_LAST)
    start = fully_connected([width] * (_BALL_DEPTH + 1), inputs.shape[1], threshold=0.0, seed=effort.seed)
    random = np.random.default_rng(effort.seed)
    ways = [random.standard_normal(weights.shape) for weights in start.weights()]
    ways = [way / np.linalg.norm(way, 2) for way in ways]
    radii = np.geomspace(1e-4, 0.1, 7)
    found: dict[str, list[float]] = {"omega": [float(radius) for radius in radii]}
    for radius in radii:
        now = start.at([weights + radius * way for weights, way in zip(start.weights(), ways, strict=True)])
        seen = predicted.linearisation(start, now, inputs)
        for part, value in zip(_POWERS, (seen.gradient, seen.output, seen.kernel), strict=True):
            found.setdefault(part, []).append(value)
    return found


def landscapes(effort: Effort) -> Finding:
    """Cut through the objective along the gradient and the most negative curvature at six steps of training."""
    steps = effort.pick((0, 1, 2, 5, 10, 20), (0, 2, 5, 10, 25, 60))
    cuts = effort.piece("cuts", lambda: _cuts(effort, steps))
    panels, downhill, better = [], 0, 0
    gradients = [curve(f"step {cut['step']}", cut["x"], _change(cut["gradient"])) for cut in cuts]
    panels.append(Panel("along the gradient", "distance", "F - F(W)", gradients, ""))
    for cut in cuts:
        middle = len(cut["x"]) // 2
        bent = curve("along the most negative curvature", cut["x"], _change(cut["bent"]))
        panels.append(
            Panel(f"step {cut['step']}, curvature {cut['curvature']:.3g}", "distance", "F - F(W)", [bent], "")
        )
        gains = {key: cut[key][middle] - min(cut[key]) for key in ("gradient", "bent")}
        downhill += gains["gradient"] > 0.0
        better += gains["gradient"] > gains["bent"]
    negative = sum(cut["curvature"] < 0.0 for cut in cuts)
    return Finding(
        verdict(better == len(cuts)),
        f"downhill along the gradient at {downhill} of {len(cuts)} steps; negative curvature at {negative}; the "
        "gradient gains "
        f"more than the most negative curvature at {better}",
        "the gradient is never small before the end, and negative curvature is mild beside it (Theorem 3, Figure 1)",
        "cuts reach a twentieth of what training moved; the curvature is that of gradients differenced over a tenth "
        "of that",
        panels,
    )


def _change(values: list[float]) -> list[float]:
    """Return what a cut changes from its middle."""
    return [one - values[len(values) // 2] for one in values]


def _cuts(effort: Effort, steps: tuple[int, ...]) -> list[dict[str, Any]]:
    n, width = effort.pick((16, 48), (48, 128))
    config = load_config(
        {
            "data": _DIGITS | {"n": n},
            "network": {"kind": "deep", "width": width, "depth": 2, "threshold": 0.0},
            "training": {"steps": steps[-1], "loss": "cross_entropy"},
            "finder": {"kind": "scan"},
            "run": {"seed": effort.seed},
        }
    )
    setting = Setting.of(config)
    network = setting.start_deep(config)
    copies: dict[int, DeepNetwork] = {}
    for record in watched_training(config, setting, network):
        if record.step in steps:
            copies[record.step] = network.at(network.weights())
    start, end = copies[0].weights(), copies[steps[-1]].weights()
    moved = math.sqrt(sum(float(np.square(one - other).sum()) for one, other in zip(end, start, strict=True)))
    points, found = effort.pick(9, 21), []
    for step, copy in copies.items():
        seen = landscape(copy, setting.inputs, setting.targets, setting.loss, reach=moved / 20.0, points=points)
        found.append(
            {
                "step": step,
                "x": seen.along_gradient.tolist(),
                "gradient": seen.values[points // 2].tolist(),
                "bent": seen.values[:, points // 2].tolist(),
                "curvature": seen.curvature,
                "gradient_curvature": seen.gradient_curvature,
            }
        )
    return found


CLAIMS = (
    Claim("convergence", "DEEP Theorems 1, 6", "Gradient descent finds a global minimum at any depth.", convergence),
    Claim("depth", "DEEP Theorem 1 and its shifts", "Sparse stacks train at any depth.", depths),
    Claim("linearisation", "DEEP Theorem 5", "Wide networks train like their linearisation.", linearisation),
    Claim("ball", "DEEP Theorem 5", "Near W(0) a network is nearly linear.", balls),
    Claim("landscape", "DEEP Figure 1, Theorem 3", "The way down has no obstacles.", landscapes),
)
