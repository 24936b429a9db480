"""The network in scikit-learn: pipeline, grid search, picture
===========================================================

The network as a scikit-learn estimator: a pipeline, a grid search, and what the search saw, drawn.

Usage: python examples/estimator.py [PICTURE]

Wines are told apart by 13 measurements. The grid asks how many neurons may fire: fewer are less work.
"""

from __future__ import annotations

import sys

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_wine
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import RobustScaler

from hybrid_train import SparseTwoLayerClassifier

FRACTIONS = (0.02, 0.05, 0.1, 0.2, 0.4)


def searched(fractions: tuple[float, ...], width: int, folds: int) -> tuple[GridSearchCV, float]:
    """Return the grid search, and the accuracy of its best on wines that it never saw."""
    measured, grower = load_wine(return_X_y=True)
    known, unseen, labels, hidden = train_test_split(measured, grower, stratify=grower, random_state=0)
    pipeline = make_pipeline(RobustScaler(), SparseTwoLayerClassifier(width=width, random_state=0))
    search = GridSearchCV(pipeline, {"sparsetwolayerclassifier__fraction": list(fractions)}, cv=folds)
    search.fit(known, labels)
    return search, float(search.score(unseen, hidden))


def draw(search: GridSearchCV, path: str) -> None:
    """Draw the accuracy by the share that fires, and the loss of the best network epoch by epoch."""
    figure = Figure(figsize=(8.0, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    found = search.cv_results_
    fractions = np.asarray(found["param_sparsetwolayerclassifier__fraction"], dtype=float)
    left.errorbar(fractions, found["mean_test_score"], found["std_test_score"], fmt="o-", capsize=3)
    left.set_xscale("log")
    left.set_xticks(fractions, [f"{fraction:g}" for fraction in fractions])
    left.minorticks_off()
    left.set_xlabel("share of the neurons that fires at the start")
    left.set_ylabel("accuracy of the folds held out")
    right.plot(search.best_estimator_[-1].loss_curve_)
    right.set_yscale("log")
    right.set_xlabel("epoch")
    right.set_ylabel("mean loss")
    for ax in (left, right):
        ax.grid(alpha=0.3)
    figure.savefig(path, dpi=150)


def main(fractions: tuple[float, ...] = FRACTIONS, width: int = 256, folds: int = 5) -> None:
    search, score = searched(fractions, width, folds)
    print("fraction  accuracy of held-out folds")
    for chosen, mean in zip(search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True):
        print(f"{next(iter(chosen.values())):8g}  {mean:.3f}")
    best = search.best_estimator_[-1]
    print(f"best on unseen wines: {score:.3f}, {best.fired_:.1f} of {width} neurons fired for a wine")
    if sys.argv[1:]:
        draw(search, sys.argv[1])


if __name__ == "__main__":
    main()
