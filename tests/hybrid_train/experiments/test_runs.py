from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, final

import numpy as np
import numpy.typing as npt
import pytest

from classical.scan import ScanFinder
from hybrid_train.config import load_config
from hybrid_train.data import Dataset
from hybrid_train.errors import ConfigError, DivergenceError, ResourceError
from hybrid_train.experiments.results import read_checkpoint, read_run
from hybrid_train.experiments.runs import compare, run
from hybrid_train.finder import EXACT, ActiveSetFinder, Promise
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import Bank
from hybrid_train.finder.registry import FINDERS
from hybrid_train.network.sparsity import expected_active
from hybrid_train.support.files import json_text
from hybrid_train.training.scores import class_labels

N, D, M, STEPS = 6, 5, 32, 4
CONFIG: dict[str, Any] = {
    "data": {"kind": "sphere", "n": N, "dim": D},
    "network": {"width": M},
    "training": {"steps": STEPS},
}


@final
class _Rebel(ActiveSetFinder):
    """A scan that does something else at one of its calls."""

    def __init__(self, *, call: int = 3, deed: str = "fail") -> None:
        super().__init__()
        self._scan, self._call, self._deed, self._calls = ScanFinder(), call, deed, 0

    @property
    def promise(self) -> Promise:
        return EXACT

    def build(self, points: Bank | npt.ArrayLike, queries: Bank | npt.ArrayLike, threshold: float) -> None:
        self._scan.build(points, queries, threshold)
        self.cost = self._scan.cost

    def find(self, rows: npt.ArrayLike | None = None) -> ActiveSets:
        self._calls += 1
        if self._calls == self._call:
            if self._deed == "interrupt":
                raise KeyboardInterrupt
            raise ZeroDivisionError("a plug-in's\nown mistake")
        return self._scan.find(rows)

    def move_points(self, rows: npt.ArrayLike, points: npt.ArrayLike) -> None:
        self._scan.move_points(rows, points)

    def move_queries(self, rows: npt.ArrayLike, queries: npt.ArrayLike) -> None:
        self._scan.move_queries(rows, queries)

    def plan(self, *, seed: np.random.SeedSequence | None = None, total_queries: int | None = None) -> None:
        PLANS.append((seed, total_queries))

    def check_resources(self, n_points: int, n_queries: int, dimension: int) -> None:
        if self._deed == "refuse":
            raise ResourceError(f"{n_points} points, {n_queries} queries, dimension {dimension}: too many")


PLANS: list[tuple[np.random.SeedSequence | None, int | None]] = []


@pytest.fixture(autouse=True)
def _rebel(monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in = ModuleType("plug_in_of_the_tests")
    plug_in.Finder = _Rebel  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, plug_in.__name__, plug_in)
    monkeypatch.setitem(FINDERS, "rebel", f"{plug_in.__name__}:Finder")
    PLANS.clear()


class TestRun:
    def test_the_row_says_what_happened(self) -> None:
        result = run(CONFIG)
        row = result.row
        assert (row["finder"], row["index"], row["promise"], row["steps"]) == ("auto", "neurons", "exact", STEPS)
        assert (row["recall"], row["spurious"]) == (1.0, 0)
        assert row["inner_products"] == (STEPS + 1) * N * M == sum(row["cost_per_step"]["inner_products"])
        assert row["losses"] == result.losses
        assert len(result.losses) == STEPS + 1
        assert (row["initial_loss"], row["final_loss"]) == (result.losses[0], result.losses[-1])
        assert row["final_loss"] < row["initial_loss"]
        assert 0.0 <= row["accuracy"] <= 1.0
        assert row["learning_rate"] > 0
        assert 0 < row["finder_s"] <= row["wall_s"]

    def test_the_loss_is_that_of_the_network_returned(self) -> None:
        result = run(CONFIG)
        from hybrid_train.data import sphere

        data = sphere(N, D, 0)
        outputs = result.network.predict(data.inputs)
        assert result.losses[-1] == pytest.approx(0.5 * ((outputs[:, 0] - data.targets) ** 2).sum(), rel=1e-12)
        assert result.row["accuracy"] == np.mean((outputs[:, 0] > 0) == (data.targets > 0))

    def test_what_a_simulator_spends_is_that_of_all_steps(self, tmp_path: Path) -> None:
        result = run(CONFIG | {"finder": {"kind": "grover", "engine": "closed_form"}}, out=tmp_path / "r")
        steps = [record["simulation"] for record in read_run(tmp_path / "r").metrics]
        assert result.row["simulation"] == {name: sum(step[name] for step in steps) for name in steps[0]}
        assert max(result.row["simulation"].values()) > max(steps[-1].values()) > 0

    def test_fired_neurons_are_counted_per_datum(self) -> None:
        result = run(CONFIG)
        fired = result.document()["fired"]
        threshold = result.network.threshold
        weights, inputs = run(CONFIG | {"training": {"steps": 0}}).network.weights[:], self._inputs()
        assert fired["counts_initial"] == (weights @ inputs.T > threshold).sum(axis=0).tolist()
        assert fired["counts_final"] == (result.network.weights[:] @ inputs.T > threshold).sum(axis=0).tolist()
        assert fired["fired_mean"][0] == np.mean(fired["counts_initial"])
        assert (fired["fired_min"][-1], fired["fired_max"][-1]) == (
            min(fired["counts_final"]),
            max(fired["counts_final"]),
        )
        assert fired["expected"] == expected_active(M, threshold)
        assert (fired["width"], fired["threshold"]) == (M, threshold)
        mean = np.mean(fired["fired_mean"])
        assert (result.row["fired_per_datum"], result.row["fired_per_step"]) == pytest.approx((mean, mean * N))

    @staticmethod
    def _inputs() -> Any:
        from hybrid_train.data import sphere

        return sphere(N, D, 0).inputs

    def test_a_seed_repeats_a_run_and_another_changes_it(self) -> None:
        assert run(CONFIG).losses == run(CONFIG).losses
        assert run(CONFIG).losses != run(CONFIG | {"run": {"seed": 1}}).losses

    def test_without_audit_recall_is_unknown(self) -> None:
        row = run(CONFIG | {"run": {"audit_every": 0}}).row
        assert row["recall"] is None
        assert row["spurious"] is None

    def test_real_targets_have_no_accuracy(self) -> None:
        data = {"kind": "sphere", "n": N, "dim": D, "targets": "gaussian"}
        assert run(CONFIG | {"data": data}).row["accuracy"] is None

    def test_several_classes(self) -> None:
        tables = {
            "data": {"kind": "digits", "n": 20, "classes": [0, 1, 2]},
            "network": {"width": 256, "threshold": 0},
            "training": {"steps": 60, "loss": "cross_entropy"},
        }
        result = run(tables)
        assert result.network.outputs == 3
        assert result.row["accuracy"] > 0.9

    def test_the_directory_holds_everything(self, tmp_path: Path) -> None:
        result = run(CONFIG, out=tmp_path / "r")
        stored = read_run(tmp_path / "r")
        assert stored.config == result.table.config
        assert [record["loss"] for record in stored.metrics] == result.losses
        assert stored.summary == json.loads(json_text(result.document()))
        checkpoint = read_checkpoint(stored.checkpoints[STEPS])
        assert np.array_equal(checkpoint["weights"], result.network.weights[:])
        assert {path.name for path in result.table.figures} == {
            f"{name}.{ending}" for name in ("loss", "cost", "fired") for ending in ("png", "json")
        }
        assert all(path.parent == tmp_path / "r" / "figures" and path.exists() for path in result.table.figures)

    def test_the_stored_config_repeats_the_run(self, tmp_path: Path) -> None:
        losses = run(CONFIG, out=tmp_path / "r").losses
        assert run(tmp_path / "r" / "config.toml").losses == losses

    def test_a_directory_with_results_is_refused_before_anything_starts(self, tmp_path: Path) -> None:
        (tmp_path / "summary.json").write_text("{}", encoding="utf-8")
        with pytest.raises(ConfigError, match="already holds results"):
            run(CONFIG, out=tmp_path)
        assert not (tmp_path / "config.toml").exists()
        assert PLANS == []

    def test_a_run_that_diverges_says_so_and_keeps_its_steps(self, tmp_path: Path) -> None:
        training = {"steps": 500, "learning_rate": 1e4}
        tables = CONFIG | {"training": training, "network": {"width": M, "threshold": -50.0}}
        with pytest.raises(DivergenceError, match=r"at step \d+ with learning_rate=10000"):
            run(tables, out=tmp_path / "r")
        stored = read_run(tmp_path / "r")
        assert stored.summary is not None
        row = stored.summary["rows"][0]
        assert row["error"].startswith("the loss is ")
        assert row["final_loss"] is None
        assert row["losses"] == [record["loss"] for record in stored.metrics] != []
        assert stored.checkpoints == {}

    def test_an_interrupted_run_keeps_its_steps(self, tmp_path: Path) -> None:
        with pytest.raises(KeyboardInterrupt):
            run(CONFIG | {"finder": {"kind": "rebel", "deed": "interrupt"}}, out=tmp_path / "r")
        stored = read_run(tmp_path / "r")
        assert [record["step"] for record in stored.metrics] == [0, 1]
        assert stored.summary is not None
        assert stored.summary["rows"][0]["error"] == "interrupted"

    @pytest.mark.parametrize(("index", "banks"), [("neurons", (M, N)), ("data", (N, M))])
    def test_a_finder_hears_of_the_run_and_is_asked_first(self, index: str, banks: tuple[int, int]) -> None:
        tables = CONFIG | {"training": {"steps": STEPS, "index": index}, "run": {"seed": 9}}
        run(tables | {"finder": {"kind": "rebel", "call": 0}})
        seeds, totals = zip(*PLANS, strict=True)
        assert set(totals) == {banks[1] * (STEPS + 1)}
        assert {seed.entropy for seed in seeds if seed is not None} == {9}
        message = f"{banks[0]} points, {banks[1]} queries, dimension {D}: too many"
        with pytest.raises(ResourceError, match=message):
            run(tables | {"finder": {"kind": "rebel", "deed": "refuse"}})

    def test_a_network_that_cannot_fit_is_refused_at_once(self) -> None:
        with pytest.raises(ResourceError, match=r"network\.width=1000000000000, .* needed .* available "):
            run(CONFIG | {"network": {"width": 10**12}})
        with pytest.raises(ResourceError, match=r"data\.n=1000000000000 inputs of dimension 50"):
            run(CONFIG | {"data": {"kind": "sphere", "n": 10**12, "dim": 50}})


class TestCompare:
    def test_exact_finders_train_the_same_network(self) -> None:
        rows = compare(CONFIG, ["scan", "hsr"], indexes=["neurons", "data"]).rows
        assert [(row["index"], row["finder"]) for row in rows] == [
            ("neurons", "scan"),
            ("neurons", "hsr"),
            ("data", "scan"),
            ("data", "hsr"),
        ]
        assert rows[0]["losses"] == rows[1]["losses"]
        assert rows[2]["losses"] == rows[3]["losses"]
        assert rows[0]["losses"] == pytest.approx(rows[2]["losses"], rel=1e-12)

    def test_the_control_finds_nothing_from_the_same_start(self) -> None:
        rows = compare(CONFIG, ["empty", "scan"]).rows
        assert rows[0]["recall"] == 0.0
        assert rows[0]["losses"] == [rows[0]["losses"][0]] * (STEPS + 1)
        assert rows[1]["recall"] == 1.0

    def test_fired_neurons_are_those_of_an_exact_finder(self) -> None:
        fired = compare(CONFIG, ["empty", "scan"]).fired
        assert fired is not None
        assert fired["finder"] == "scan"

    def test_options_of_a_kind_stay_with_it(self) -> None:
        tables = CONFIG | {"finder": {"kind": "grover", "engine": "closed_form", "delta": 0.25}}
        rows = compare(tables | {"finders": {"hsr": {"leaf_size": 3}}}, ["scan", "hsr", "grover"]).rows
        assert [row["promise"] for row in rows] == ["exact", "exact", "exact with probability 1 - 0.25"]

    def test_a_finder_that_fails_leaves_the_others_alone(self, tmp_path: Path) -> None:
        table = compare(CONFIG, ["scan", "rebel", "hsr"], out=tmp_path / "c")
        alone = compare(CONFIG, ["scan", "hsr"])
        assert [table.rows[0]["losses"], table.rows[2]["losses"]] == [row["losses"] for row in alone.rows]
        failed = table.rows[1]
        assert failed["error"] == "ZeroDivisionError: a plug-in's own mistake"
        assert failed["losses"] == table.rows[0]["losses"][:2]
        assert failed["final_loss"] is None
        assert table.errors == [f"rebel (index neurons): {failed['error']}"]
        assert json.loads((tmp_path / "c" / "summary.json").read_text(encoding="utf-8")) == json.loads(
            json_text(table.document())
        )
        for finder, steps in (("scan", STEPS + 1), ("rebel", 2), ("hsr", STEPS + 1)):
            assert len(read_run(tmp_path / "c" / f"neurons-{finder}").metrics) == steps
        assert {path.name for path in (tmp_path / "c" / "figures").iterdir()} >= {"loss.png", "cost.png", "fired.json"}

    def test_a_stored_row_is_a_run_of_its_own(self, tmp_path: Path) -> None:
        rows = compare(CONFIG, ["hsr"], indexes=["data"], out=tmp_path / "c").rows
        repeated = run(tmp_path / "c" / "data-hsr" / "config.toml")
        assert repeated.losses == rows[0]["losses"]
        assert repeated.row["index"] == "data"

    def test_an_interruption_keeps_what_was_finished(self, tmp_path: Path) -> None:
        tables = CONFIG | {"finders": {"rebel": {"deed": "interrupt"}}}
        with pytest.raises(KeyboardInterrupt):
            compare(tables, ["scan", "rebel", "hsr"], out=tmp_path / "c")
        rows = json.loads((tmp_path / "c" / "summary.json").read_text(encoding="utf-8"))["rows"]
        assert [(row["finder"], row.get("error")) for row in rows] == [("scan", None), ("rebel", "interrupted")]

    @pytest.mark.parametrize(
        ("finders", "indexes", "line"),
        [
            ([], None, "finders=[]: expected a list of at least one name"),
            ("scan", None, "finders='scan': expected a list of at least one name"),
            (["scan", "scan"], None, "finders=scan,scan: expected each name once"),
            (["scan"], ["rows"], "indexes[0]='rows': expected 'neurons' or 'data'"),
            (["scan"], [], "indexes=[]: expected a list of at least one name, or None"),
        ],
    )
    def test_a_choice_that_is_none_is_refused(self, finders: Any, indexes: Any, line: str) -> None:
        with pytest.raises(ConfigError) as caught:
            compare(CONFIG, finders, indexes=indexes)
        assert str(caught.value) == line

    def test_one_finder_too_large_stops_all_before_the_start(self, tmp_path: Path) -> None:
        tables = CONFIG | {"finders": {"rebel": {"deed": "refuse"}}}
        with pytest.raises(ResourceError, match="too many"):
            compare(tables, ["scan", "rebel"], out=tmp_path / "c")
        assert not (tmp_path / "c").exists()

    def test_the_document_is_plain_json(self) -> None:
        document = compare(CONFIG, ["scan"]).document()
        assert json.loads(json.dumps(document, allow_nan=False)) == document
        assert document["config"] == load_config(CONFIG).as_dict()
        assert document["versions"]["numpy"] == np.__version__
        assert document["notes"] == [note for note in document["notes"] if note.startswith("data separation")] != []


@pytest.mark.parametrize(
    ("targets", "classes", "labels"),
    [([-1.0, 1.0], None, [0, 1]), ([1, 2], 3, [1, 2]), ([0.5, 1.0], None, None), ([[1.0], [-1.0]], None, None)],
)
def test_class_labels(targets: list[Any], classes: int | None, labels: list[int] | None) -> None:
    found = class_labels(Dataset(np.eye(2), np.array(targets), "two", classes))
    assert (None if found is None else found.tolist()) == labels


def test_a_network_gone_silent_is_noted() -> None:
    config = {"data": {"kind": "sphere", "n": 6, "dim": 3}, "network": {"width": 32}, "training": {"steps": 3}}
    silent = compare(config, ["scan", "empty"]).notes
    assert [note for note in silent if "no active neuron" in note] == [
        "neurons-empty: no active neuron was reported from step 0 on, so nothing moved; "
        "a smaller learning_rate or a lower network.threshold keeps neurons alive"
    ]
    digits = {"data": {"kind": "digits", "n": 16}, "network": {"width": 256}}
    killed = run(digits | {"training": {"steps": 5, "learning_rate": 1e30}}).table.notes
    assert any("no active neuron was reported from step" in note and "step 0" not in note for note in killed)
