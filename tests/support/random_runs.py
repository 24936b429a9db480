"""Random configs of whole runs: every algorithm, network, loss, optimiser and finder that go together."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

import hybrid_train
from hybrid_train import load_config
from hybrid_train.errors import ConfigError, DivergenceError
from tests.support.histories import OPTIONS, played
from tests.support.trainings import EXACT_ANYWHERE

Tables = dict[str, dict[str, Any]]

TIMED = ("finder_s", "wall_s")

_finders = st.sampled_from(EXACT_ANYWHERE).flatmap(
    lambda kind: st.sampled_from(OPTIONS.get(kind, [{}])).map(lambda options: {"kind": kind} | options)
)

_data = st.one_of(
    st.builds(
        lambda n, dim, targets: {"kind": "sphere", "n": n, "dim": dim, "targets": targets},
        st.integers(1, 12),
        st.integers(2, 9),
        st.sampled_from(["random_signs", "gaussian"]),
    ),
    st.builds(lambda n: {"kind": "two_spirals", "n": n}, st.integers(2, 14)),
    st.builds(lambda n: {"kind": "iris", "n": n}, st.integers(12, 20)),
    st.builds(
        lambda dim, fresh: (
            {"kind": "even_polynomial", "dim": dim, "degree": 2} | ({"held_out": 10} if fresh else {"n": 9})
        ),
        st.integers(2, 5),
        st.booleans(),
    ),
)

_networks = st.one_of(
    st.fixed_dictionaries(
        {"width": st.integers(1, 24).map(lambda half: 2 * half)},
        optional={
            "start": st.just("paired"),
            "threshold": st.sampled_from([-0.5, 0.0, 1.0, 1.7]),
            "dtype": st.just("float32"),
            "storage": st.sampled_from(["live", "seeded"]),
            "output_weight": st.just(0.3),
        },
    ),
    st.builds(
        lambda width, fraction: {"width": width, "activation": "jump", "fraction": fraction},
        st.integers(2, 40),
        st.sampled_from([0.1, 0.4]),
    ),
    st.builds(
        lambda kind, width, depth: {"kind": kind, "width": width, "depth": depth},
        st.sampled_from(["deep", "residual"]),
        st.integers(3, 20),
        st.integers(1, 3),
    ),
)

_trainings = st.fixed_dictionaries(
    {
        "algorithm": st.sampled_from(["gd", "gd", "sgd", "adversarial"]),
        "steps": st.integers(0, 5),
        "learning_rate": st.sampled_from([1e-3, 0.05, 0.3]),
        "index": st.sampled_from(["neurons", "data"]),
        "loss": st.sampled_from(["squared", "logistic", "cross_entropy", "huber", "absolute", "hinge"]),
    },
    optional={
        "optimiser": st.sampled_from(["momentum", "adam"]),
        "weight_decay": st.just(0.01),
        "schedule": st.sampled_from(["linear", "cosine"]),
        "batch_size": st.integers(1, 6),
        "keep": st.sampled_from(["last", "best", "average", "random"]),
        "replacement": st.booleans(),
    },
)

_adversaries = st.builds(
    lambda kind, norm, rho: {"kind": kind, "norm": norm, "rho": rho} | ({"steps": 2} if kind == "pgd" else {}),
    st.sampled_from(["none", "fgsm", "pgd"]),
    st.sampled_from(["l2", "linf"]),
    st.sampled_from([0.0, 0.05, 0.5]),
)


@st.composite
def configs(draw: Any) -> Tables:
    """Draw a config with a finder that promises exact sets; most are valid."""
    tables: Tables = {
        "data": draw(_data),
        "network": draw(_networks),
        "training": draw(_trainings),
        "finder": draw(_finders),
        "run": {"seed": draw(st.integers(0, 10**6)), "threads": draw(st.sampled_from([1, 2]))},
    }
    training, network = tables["training"], tables["network"]
    if training["algorithm"] == "adversarial":
        tables["adversary"] = draw(_adversaries)
    if training["algorithm"] == "gd":
        for name in ("batch_size", "replacement"):
            training.pop(name, None)
    if "kind" in network:
        for name in ("optimiser", "weight_decay"):
            training.pop(name, None)
        training["index"] = "neurons"
    if network.get("storage") == "seeded":
        tables["finder"] = {"kind": "skin"}
        training.pop("keep", None)
    return tables


def valid(tables: Tables) -> bool:
    """Return whether a run can be made of these tables."""
    try:
        hybrid_train.run(tables | {"training": tables["training"] | {"steps": 0}})
    except (ConfigError, DivergenceError, hybrid_train.errors.DataError):
        return False
    return True


def assert_runs_alike(tables: Tables) -> None:
    """Raise AssertionError unless a run is as one with the scan: no pair missed or spurious, the losses alike."""
    scan = tables | {"finder": {"kind": "scan"}}
    if tables["network"].get("storage") == "seeded":  # nothing else can follow such weights
        scan = tables | {"finder": {"kind": "skin", "skin": 5.0}}
    load_config(scan)
    try:
        theirs = hybrid_train.run(scan)
    except DivergenceError:
        return
    played["runs"] += 1
    ours = hybrid_train.run(tables)
    for one in (ours, theirs):
        assert one.row["recall"] == 1.0
        assert one.row["spurious"] == 0
    first, second = (np.array(one.row["losses"], float) for one in (ours, theirs))
    single = tables["network"].get("dtype") == "float32"
    np.testing.assert_allclose(first, second, rtol=1e-3 if single else 1e-6, atol=1e-4 if single else 1e-9)
    assert ours.row["returned_step"] == theirs.row["returned_step"] or "best" in str(tables["training"])
    assert ours.row["fired_per_datum"] > 0 or theirs.row["fired_per_datum"] == 0
