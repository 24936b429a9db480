"""What adversarial training buys
==============================

What adversarial training buys: the same network trained with and without an adversary, both attacked the same way.

Usage: python examples/adversarial_digits.py [--steps N]

Look at robust_accuracy: without an adversary the network learns every image and loses many of them to an attack
that moves each image by 0.15 of its length; with one it keeps more.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from classical.training import two_layer_dynamics
from hybrid_train import load_config, make_finder
from hybrid_train.adversaries import PGD, L2Ball
from hybrid_train.experiments.assembly import make_training, planned_finders
from hybrid_train.experiments.setting import Setting

CONFIG = Path(__file__).with_suffix(".toml")


def attacked(kind: str, steps: int) -> dict[str, Any]:
    """Train with an adversary of this kind and return accuracies under a stronger attack than it trained on."""
    config = load_config(CONFIG, [f"training.steps={steps}", "finder.kind=scan", "run.audit_every=0"])
    if kind == "none":
        config = load_config(config.as_dict() | {"adversary": {"kind": "none"}})
    setting = Setting.of(config)
    network = setting.start(config)
    for _ in make_training(config, setting, network, planned_finders(config, setting)):
        pass
    dynamics = two_layer_dynamics(network, setting.inputs, make_finder("scan"))
    dynamics.start()
    signs = np.sign(setting.targets)
    clean = (np.sign(dynamics.evaluate().outputs) == signs).mean()
    strong = PGD(L2Ball(0.15, kept=2), steps=20, random_start=True, restarts=2)
    strong.attack(dynamics, np.arange(len(signs)), setting.inputs, setting.targets, setting.loss, 0)
    robust = (np.sign(dynamics.evaluate().outputs) == signs).mean()
    return {"trained against": kind, "clean_accuracy": float(clean), "robust_accuracy": float(robust)}


def main() -> None:
    """Print both rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=300)
    steps = parser.parse_args().steps
    for kind in ("none", "pgd"):
        print(attacked(kind, steps))


if __name__ == "__main__":
    main()
