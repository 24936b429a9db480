"""The claims of SGD: learning from fresh examples, and the tangent kernel as the output weights grow."""

from __future__ import annotations

import numpy as np

from hybrid_train.config import load_config
from hybrid_train.data import EvenPolynomials, make_inputs
from hybrid_train.experiments.runs import run
from hybrid_train.finder.registry import make_finder
from hybrid_train.finder.scan import active_pairs
from hybrid_train.network.sparsity import expected_fired
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.reproduce.claim import Claim, Effort, Finding, Panel, at_most, curve, exponent_text, verdict
from hybrid_train.support.power_law import PowerLaw
from hybrid_train.theory.lazy_training import lazy_distances
from hybrid_train.training.losses import make_loss


def excess_loss(effort: Effort) -> Finding:
    """Learn an even polynomial from fresh examples with several T and m; look at the loss on unseen ones."""
    steps = effort.pick((10, 30, 100), (10, 30, 100, 300, 1000))
    widths = effort.pick((128, 512, 2048), (128, 512, 2048, 8192))
    by_steps = [_loss(effort, widths[-1], count) for count in steps]
    by_width = [_loss(effort, width, steps[-1]) for width in widths]
    law = PowerLaw.fit(steps, by_steps)
    return Finding(
        verdict(at_most(law, 0.0) and by_steps[-1] < 0.5 * by_steps[0] and by_width[-1] <= 1.1 * min(by_width)),
        f"loss ~ T^{exponent_text(law)} at m = {widths[-1]}; {by_steps[0]:.3g} falls to {by_steps[-1]:.3g}",
        "excess loss at most ε with T ~ ε^-2, so T^-0.5 or faster, for m large enough",
        f"even polynomials of degree 4 on the sphere in d = 4, batches of 16 fresh examples, mean over "
        f"{_seeds(effort)} starts of the last network; predicting 0 costs 0.5",
        [
            Panel(
                f"loss on unseen examples, m = {widths[-1]}",
                "steps T",
                "mean loss",
                [
                    curve("SGD", steps, by_steps),
                    curve("T^(-1/2)", steps, by_steps[0] * np.sqrt(steps[0] / np.array(steps)), predicted=True),
                ],
            ),
            Panel(
                f"loss on unseen examples, T = {steps[-1]}",
                "neurons 2m",
                "mean loss",
                [curve("SGD", widths, by_width)],
            ),
        ],
        {"exponent": law.exponent, "exponent_sem": law.exponent_sem},
    )


def _seeds(effort: Effort) -> int:
    return effort.pick(1, 3)


def _loss(effort: Effort, width: int, steps: int) -> float:
    """Return the mean loss on examples never seen, over a few starts."""

    def work() -> float:
        tables = {
            "data": {
                "kind": "even_polynomial",
                "inputs": "sphere",
                "dim": 4,
                "degree": 4,
                "norm": "auto",
                "held_out": 1024,
            },
            "network": {"width": width, "start": "paired"},
            "training": {"algorithm": "sgd", "batch_size": 16, "steps": steps, "keep": "last"},
            "finder": {"kind": "scan"},
        }
        seeds = range(effort.seed, effort.seed + _seeds(effort))
        rows = [run(load_config(tables | {"run": {"seed": seed}})).row for seed in seeds]
        return float(np.mean([row["returned_loss"] for row in rows]))

    return float(effort.piece(f"loss at 2m={width}, T={steps}", work))


def lazy(effort: Effort) -> Finding:
    """Train networks of growing output weight beside their tangent kernel."""
    weights = tuple(2.0 ** np.arange(0, 13, effort.pick(4, 2)))
    source = EvenPolynomials(make_inputs("sphere", 6), degree=2)
    held_out = source.examples(512, held_out=True)
    table = [
        lazy_distances(
            source,
            held_out,
            make_loss("squared"),
            lambda: make_finder("scan"),
            width=effort.pick(512, 2048),
            output_weights=weights,
            batch_size=8,
            steps=30,
            learning_rate=100.0,
            seed=seed,
        )
        for seed in range(effort.seed, effort.seed + effort.pick(1, 4))
    ]
    means = {
        name: np.mean([[getattr(row, name) for row in rows] for rows in table], axis=0)
        for name in ("distance", "mean_distance")
    }
    root, mean = PowerLaw.fit(weights, means["distance"]), PowerLaw.fit(weights, means["mean_distance"])
    start = means["distance"][0]
    return Finding(
        verdict(at_most(root, -0.3) and at_most(mean, -0.3)),
        f"root mean square ~ B^{exponent_text(root)}, mean ~ B^{exponent_text(mean)}",
        "falls to 0 as B grows: B^-1/2 to B^-1 for an activation with a kink",
        "network at the rate η / B² beside tangent kernel training at η, the same draws",
        [
            Panel(
                "distance between network and tangent kernel",
                "output weight B",
                "|h₁ - h₂| on held-out data",
                [
                    curve("root mean square", weights, means["distance"]),
                    curve("mean", weights, means["mean_distance"]),
                    curve("B^(-1/2)", weights, start * np.power(weights, -0.5), predicted=True),
                    curve("B^(-1)", weights, start * np.power(weights, -1.0), predicted=True),
                ],
            )
        ],
        {"exponents": {"root_mean_square": root.exponent, "mean": mean.exponent}},
    )


def sparsity(effort: Effort) -> Finding:
    """Count the neurons that fire in a paired start, twins together."""
    widths = [1 << e for e in effort.pick(range(9, 13), range(9, 18))]
    inputs = make_inputs("sphere", 4).draw(np.random.default_rng(effort.seed), 64)
    means = []
    for width in widths:
        network = TwoLayerNetwork.initialize(width, 4, start="paired", seed=effort.seed)
        means.append(float(active_pairs(network.weights[:], inputs, network.threshold).counts.mean()))
    law = PowerLaw.fit(widths, means)
    return Finding(
        verdict(at_most(law, 0.8)),
        f"fired ~ m^{exponent_text(law)}",
        "m^{4/5} at most",
        "64 inputs in d = 4, paired start, b = √(0.4 ln 2m)",
        [
            Panel(
                "neurons that fire at the start",
                "neurons 2m",
                "fired for an example",
                [
                    curve("mean", widths, means),
                    curve("2m Q(b)", widths, [expected_fired(m) for m in widths], predicted=True),
                    curve("(2m)^0.8", widths, [m**0.8 for m in widths], predicted=True),
                ],
            )
        ],
        {"exponent": law.exponent},
    )


CLAIMS = (
    Claim("sparsity", "SGD Lemma 3.7, Remark 6.3", "(2m)^{4/5} neurons fire for an example.", sparsity),
    Claim("excess_loss", "SGD Theorems 1.5, 5.1", "SGD on fresh examples learns an even polynomial.", excess_loss),
    Claim("lazy", "SGD Lemma 5.3", "With growing B a network trains like its tangent kernel.", lazy),
)
