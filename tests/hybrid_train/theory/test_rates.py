"""The rates of the theorems, worked out again by hand, and refused where no theorem speaks of the run."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

import hybrid_train
from hybrid_train.errors import ConfigError
from hybrid_train.theory import check_theory
from tests.support.configs import Tables, merged

CONFIG: Tables = {
    "data": {"kind": "sphere", "n": 3, "dim": 4},
    "network": {"width": 64},
    "training": {"steps": 4, "learning_rate": "theorem"},
    "finder": {"kind": "scan"},
}
DEEP: dict[str, Any] = {"kind": "deep", "width": 16, "depth": 3, "threshold": 0.0}
POLYNOMIAL: Tables = {
    "data": {"kind": "even_polynomial", "dim": 3, "degree": 2, "held_out": 64},
    "network": {"width": 64, "start": "paired", "output_weight": 4.0},
    "training": {"algorithm": "sgd", "batch_size": 2, "steps": 9, "loss": "huber", "learning_rate": "theorem"},
    "finder": {"kind": "scan"},
}


def taken(tables: Tables) -> tuple[float, str]:
    result = hybrid_train.run(tables)
    (note,) = (note for note in result.table.notes if note.startswith("learning_rate='theorem': "))
    return result.row["learning_rate"], note


def inputs_of(tables: Tables) -> Any:
    return hybrid_train.load_config(tables).data.load(0).dataset.inputs


def test_gradient_descent_takes_the_rate_of_pre_lemma_5_2() -> None:
    rate, note = taken(CONFIG)
    x, b = inputs_of(CONFIG), math.sqrt(0.4 * math.log(64))
    kernel = np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            corr = float(x[i] @ x[j])
            both = stats.norm.sf(b)
            if i != j:
                both = stats.multivariate_normal.cdf([-b, -b], cov=[[1, corr], [corr, 1]])
            kernel[i, j] = corr * both
    assert rate == pytest.approx(np.linalg.eigvalsh(kernel)[0] / 36, rel=1e-5)
    assert "(PRE Lemma 5.2)" in note


def test_sgd_takes_the_rate_of_its_theorem_over_the_square_of_the_output_weights() -> None:
    rate, note = taken(POLYNOMIAL)
    features = merged(POLYNOMIAL | {"network": {"kind": "random_features", "width": 64}})
    assert taken(features)[0] == pytest.approx(16 * rate)
    norm = float(note.split("M=")[1].split(",")[0])
    assert rate == pytest.approx(norm / 3 / 16, rel=1e-5)


def test_adversarial_training_takes_that_of_a_mean_loss() -> None:
    tables = merged(CONFIG, network={"activation": "jump"}, training={"algorithm": "adversarial"})
    assert taken(tables)[0] == pytest.approx(64**-0.2 / math.sqrt(4) / 3)


@pytest.mark.parametrize(("batch", "factor"), [(None, 1.0), (2, 2 / (3 * math.log(16) ** 2))])
def test_deep_networks_take_that_of_their_theorem(batch: int | None, factor: float) -> None:
    tables = CONFIG | {"network": DEEP}
    if batch:
        tables = merged(tables, training={"algorithm": "sgd", "batch_size": batch, "replacement": "subset"})
    x = inputs_of(tables)
    gaps = [np.linalg.norm(x[i] - x[j]) for i in range(3) for j in range(i)]
    assert taken(tables)[0] == pytest.approx(min(*gaps, 1 / 3) / (3**4 * 9 * 16) * factor)


@pytest.mark.parametrize(
    ("tables", "why"),
    [
        (merged(CONFIG, training={"loss": "huber"}), "PRE Lemma 5.2 wants the squared loss"),
        (merged(CONFIG, training={"algorithm": "adversarial"}), "no theorem speaks of training this network against"),
        (merged(CONFIG, training={"algorithm": "sgd", "batch_size": 2}), "network.start='paired'"),
        (merged(CONFIG, network={"activation": "jump"}), "wants training.algorithm='adversarial'"),
        (merged(CONFIG, training={"schedule": "cosine"}), "plain descent at a constant rate"),
        (merged(CONFIG, training={"optimiser": "momentum"}), "plain descent at a constant rate"),
        (CONFIG | {"network": {"kind": "random_features"}}, "wants training.algorithm='sgd' with fresh examples"),
        (CONFIG | {"network": {"kind": "tangent_kernel"}}, "wants training.algorithm='sgd' with fresh examples"),
        (CONFIG | {"network": DEEP | {"joint": True}}, "train the hidden layers alone"),
        (merged(CONFIG | {"network": DEEP}, training={"algorithm": "sgd", "batch_size": 2}), "replacement='subset'"),
        (merged(POLYNOMIAL, training={"loss": "squared"}), "a convex Lipschitz loss"),
        (merged(POLYNOMIAL, training={"loss": "geman_mcclure"}), "a convex Lipschitz loss"),
        (merged(POLYNOMIAL, data={"targets": "signs"}), "a known even polynomial's values"),
    ],
)
def test_where_no_theorem_speaks_of_the_run_it_is_refused(tables: Tables, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        hybrid_train.run(tables)
    assert str(caught.value).startswith("training.learning_rate='theorem': expected a number or 'auto', since ")
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_check_says_where_its_rate_comes_from() -> None:
    rate, note = taken(CONFIG)
    result = check_theory(CONFIG, costs=False)
    assert note in result.notes
    assert result.series["learning_rate"] == rate
    assert not any(
        "theorem" in one for one in check_theory(merged(CONFIG, training={"learning_rate": 0.1}), costs=False).notes
    )
