"""``hybrid-train predict``: from a run and a file to a table of predictions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import hybrid_train
from hybrid_train.cli import main

FRAME = pd.DataFrame(
    {
        "age": [20.0, 31, 40, 52, 60, 73, 25, 64],
        "pay": [1e3, 2e3, 1e3, 3e3, 2e3, 1e3, 5e3, 2e3],
        "job": ["cook", "smith", "weaver", "cook"] * 2,
    }
)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    FRAME.to_csv(tmp_path / "people.csv")
    config = {"data": {"kind": "file", "path": str(tmp_path / "people.csv")}, "network": {"width": 32}}
    hybrid_train.run(config | {"training": {"steps": 3, "loss": "cross_entropy"}}, out=tmp_path / "run")
    return tmp_path / "run"


def test_predictions_come_as_a_table_with_names_and_probabilities(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    FRAME[["pay", "job", "age"]].to_csv(tmp_path / "new.csv", sep=";")
    out = tmp_path / "predictions.csv"
    assert main(["predict", str(run), str(tmp_path / "new.csv"), "--out", str(out)]) == 0
    assert capsys.readouterr().out.startswith("8 predictions in ")
    found = pd.read_csv(out)
    model = hybrid_train.load(run)
    rows = FRAME[["age", "pay"]].to_numpy()
    assert list(found) == ["row", "prediction", "p(cook)", "p(smith)", "p(weaver)"]
    assert found["prediction"].tolist() == model.predict(rows).tolist()
    assert np.array_equal(found.iloc[:, 2:].to_numpy(), model.predict_proba(rows))
    assert main(["predict", str(run), str(tmp_path / "new.csv"), "--out", str(out)]) == 2
    assert "is there already" in capsys.readouterr().err
    assert main(["predict", str(run), str(tmp_path / "new.csv"), "--quiet"]) == 0
    assert capsys.readouterr().out == out.read_text(encoding="utf-8")


def test_json_says_the_same(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "new.npy", FRAME[["age", "pay"]].to_numpy())
    assert main(["predict", str(run), str(tmp_path / "new.npy"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["classes"] == ["cook", "smith", "weaver"]
    assert (len(document["predictions"]), len(document["probabilities"])) == (8, 8)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["age"], "no column of that name; columns: age"),
        (["age", "job"], "columns='pay'"),
        (["pay", "weight"], "'age'"),
    ],
)
def test_a_file_that_lacks_a_column_is_refused(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], columns: list[str], message: str
) -> None:
    FRAME.assign(weight=1)[columns].to_csv(tmp_path / "new.csv", index=False)
    assert main(["predict", str(run), str(tmp_path / "new.csv")]) == 2
    assert message in capsys.readouterr().err


def test_a_missing_cell_is_told_by_its_column(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    FRAME.assign(pay=[np.nan, *FRAME["pay"][1:]]).to_csv(tmp_path / "new.csv", index=False)
    assert main(["predict", str(run), str(tmp_path / "new.csv")]) == 2
    error = capsys.readouterr().err
    assert "column 1 ('pay'): '' is not a number, a cell is missing" in error
    assert main(["predict", str(tmp_path), str(tmp_path / "new.csv")]) == 1
    assert "holds no run" in capsys.readouterr().err
