"""Saving, loading, predicting: every kind of network comes back equal to the last bit, in another process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris

import hybrid_train
from hybrid_train.errors import CheckpointError, ConfigError, DataError
from hybrid_train.experiments.results import read_checkpoint, read_run
from tests.support.manifests import signed

IRIS: dict[str, Any] = {"kind": "iris", "test": 0.2}
KINDS: dict[str, dict[str, Any]] = {
    "relu": {"network": {"width": 64}, "training": {"loss": "cross_entropy"}},
    "jump": {"network": {"width": 64, "activation": "jump", "fraction": 0.3}},
    "seeded": {"network": {"width": 256, "storage": "seeded"}, "finder": {"kind": "skin"}},
    "live": {"network": {"width": 256}, "finder": {"kind": "skin"}},
    "paired": {"network": {"width": 64, "start": "paired"}},
    "float32": {"network": {"width": 64, "dtype": "float32"}},
    "deep": {"network": {"kind": "deep", "width": 24}},
    "residual": {"network": {"kind": "residual", "width": 24}},
    "convolutional": {
        "data": {"kind": "digits", "n": 20, "test": 0.1},
        "network": {"kind": "convolutional", "channels": [2], "grid": [8, 8], "width": 16},
    },
}

_CHILD = """
import sys
from pathlib import Path
import numpy as np
import hybrid_train
for folder in sorted(Path(sys.argv[1]).iterdir()):
    rows = np.load(folder / "rows.npy")
    np.save(folder / "outputs.npy", hybrid_train.load(folder / "run").outputs(rows))
"""


def test_every_kind_of_network_comes_back_to_the_last_bit_in_a_fresh_process(tmp_path: Path) -> None:
    expected = {}
    for kind, tables in KINDS.items():
        config = {"data": IRIS} | tables
        config["training"] = {"steps": 3} | config.get("training", {})
        result = hybrid_train.run(config, out=tmp_path / kind / "run")
        rows = np.abs(np.random.default_rng(0).standard_normal((12, result.model.preparation.dimension)))
        np.save(tmp_path / kind / "rows.npy", rows)
        expected[kind] = result.model.outputs(rows)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", _CHILD, str(tmp_path)], check=True, env=environment)
    for kind, outputs in expected.items():
        assert np.array_equal(np.load(tmp_path / kind / "outputs.npy"), outputs), kind
        assert np.ptp(outputs) > 0, kind


def test_raw_rows_are_prepared_as_those_trained_on(tmp_path: Path) -> None:
    config = {"data": {"kind": "iris"}, "network": {"width": 128}, "training": {"steps": 60, "loss": "cross_entropy"}}
    result = hybrid_train.run(config, out=tmp_path / "run")
    model = hybrid_train.load(tmp_path / "run")
    flowers = load_iris()
    predicted = model.predict(flowers.data)
    assert model.classes == ("setosa", "versicolor", "virginica")
    assert np.mean(predicted == flowers.target_names[flowers.target]) == result.row.accuracy
    shares = model.predict_proba(flowers.data)
    assert np.allclose(shares.sum(axis=1), 1)
    assert np.array_equal(np.array(model.classes)[shares.argmax(axis=1)], predicted)
    with pytest.raises(DataError, match="3 columns, but the network was trained on 4"):
        model.predict(flowers.data[:, :3])


def test_real_targets_are_predicted_in_their_own_units(tmp_path: Path) -> None:
    config = {"data": {"kind": "diabetes"}, "network": {"width": 128}, "training": {"steps": 60}}
    model = hybrid_train.run(config, out=tmp_path / "run").model
    data = load_diabetes(scaled=False)
    predicted = model.predict(data.data)
    assert predicted.shape == (442,)
    assert np.mean(np.square(predicted - data.target)) < 0.6 * np.var(data.target)
    assert model.classes is None
    with pytest.raises(ConfigError, match="real targets"):
        model.predict_proba(data.data)


@pytest.mark.parametrize(("loss", "tells"), [("squared", True), ("logistic", True), ("hinge", False)])
def test_probabilities_come_from_losses_that_lead_to_them(loss: str, tells: bool) -> None:
    training = {"steps": 5, "loss": loss, "learning_rate": 0.1}
    config = {"data": {"kind": "breast_cancer", "n": 40}, "network": {"width": 64}, "training": training}
    model = hybrid_train.run(config).model
    rows = np.random.default_rng(0).standard_normal((9, 30)) * 100
    if not tells:
        with pytest.raises(ConfigError, match="HingeLoss does not lead to probabilities"):
            model.predict_proba(rows)
        return
    shares = model.predict_proba(rows)
    assert ((shares >= 0) & (shares <= 1)).all()
    assert np.array_equal(shares[:, 1] > 0.5, model.predict(rows) == "benign")


def test_what_cannot_be_loaded_says_why(tmp_path: Path) -> None:
    config = {"data": IRIS, "network": {"width": 16}, "training": {"steps": 1}}
    hybrid_train.compare(config, ["scan"], out=tmp_path / "both")
    with pytest.raises(CheckpointError, match="folders with runs; name one of them: neurons-scan"):
        hybrid_train.load(tmp_path / "both")
    run = tmp_path / "both" / "neurons-scan"
    assert hybrid_train.load(run).classes == ("setosa", "versicolor", "virginica")
    with pytest.raises(CheckpointError, match="step=7: no such checkpoint; there are 1"):
        hybrid_train.load(run, step=7)
    (file,) = read_run(run).checkpoints.values()
    with np.load(file) as arrays:
        wrong = {name: arrays[name] for name in arrays.files}
    words = str(wrong["preparation"])
    wrong["preparation"] = np.array(words.replace('["setosa", ', "["))
    np.savez(file, **wrong)
    with pytest.raises(CheckpointError, match=r"shorter than was written \(manifest\.json"):
        hybrid_train.load(run)
    signed(run)
    with pytest.raises(CheckpointError, match="3 outputs for 2 classes"):
        hybrid_train.load(run)
    with np.load(file) as arrays:
        rest = {name: arrays[name] for name in arrays.files if not name.startswith("preparation")}
    np.savez(file, **rest)
    assert read_checkpoint(file)["preparation"] is None
    signed(run)
    with pytest.raises(CheckpointError, match="of an earlier version"):
        hybrid_train.load(run)
    file.unlink()
    with pytest.raises(CheckpointError, match="no such file"):
        hybrid_train.load(run)
    with pytest.raises(CheckpointError, match="holds no run"):
        hybrid_train.load(tmp_path)
