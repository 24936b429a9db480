"""Deep networks from a config: what is refused, what a run leaves behind, and what the finders are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hybrid_train
from classical.dynamics.deep.dynamics import DeepDynamics
from classical.scan import ScanFinder
from hybrid_train import check_theory, compare, load_config, run
from hybrid_train.errors import ConfigError, DivergenceError, ResourceError
from hybrid_train.experiments.assembly import make_training, planned_queries
from hybrid_train.experiments.results import read_checkpoint, read_run
from hybrid_train.experiments.setting import Setting
from hybrid_train.finder import ActiveSetFinder
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.studies.count_along import count_along
from tests.support.configs import Tables, replaced

NETWORKS: dict[str, dict[str, Any]] = {
    "deep": {"kind": "deep", "widths": [24, 20, 16]},
    "residual": {"kind": "residual", "width": 24, "depth": 3},
    "convolutional": {"kind": "convolutional", "grid": [8, 8], "channels": [3, 2], "width": 20},
    "unshared": {"kind": "convolutional", "grid": [8, 8], "channels": [2], "width": 12, "shared": False},
}
CONFIG: Tables = {
    "data": {"kind": "digits", "classes": "all", "n": 10},
    "network": NETWORKS["deep"],
    "training": {"steps": 3, "loss": "cross_entropy"},
}
ALGORITHMS: dict[str, Tables] = {
    "gd": {},
    "sgd": {"training": {"algorithm": "sgd", "batch_size": 4, "steps": 6, "learning_rate": 0.01, "keep": "last"}},
    "adversarial": {
        "training": {"algorithm": "adversarial", "steps": 2, "learning_rate": 0.01},
        "adversary": {"rho": 0.1, "steps": 2, "random_start": True},
    },
}


def of_kind(name: str, **options: Any) -> Tables:
    return replaced(CONFIG, network=NETWORKS[name] | options)


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        (
            of_kind("deep", kind="depe"),
            "network.kind='depe': expected one of two_layer, tangent_kernel, random_features",
        ),
        (of_kind("deep", start="paired"), "network.start='paired': unknown key"),
        (of_kind("residual", widths=[3, 4]), "network.widths=[3, 4]: unknown key"),
        (of_kind("deep", width=3), "network.width=3: remove it or widths"),
        (of_kind("deep", widths=[3]), "network.widths=[3]: expected a list of at least two whole numbers"),
        (of_kind("deep", share=1.0), "network.share=1.0: expected a number below 1"),
        (of_kind("deep", threshold=0.1, share=0.2), "network.share=0.2: remove it, it belongs to threshold='auto'"),
        (of_kind("deep", threshold=0.1, calibrate=True), "network.calibrate=True: remove it, it belongs to"),
        (of_kind("deep", threshold=[0.1, 0.1]), "network.threshold=[0.1, 0.1]: expected 1 number or 3"),
        (of_kind("deep", threshold=-9.0), "network.threshold=-9.0: no weights of a layer of width 24"),
        (of_kind("residual", threshold=99.0), "network.threshold=99: nothing would fire in layer 0"),
        (of_kind("convolutional", threshold=-9.0), "network.threshold=-9.0: no weights"),
        (of_kind("convolutional", kernel=9), "network.kernel=9: expected at most 8"),
        (of_kind("convolutional", grid=[8]), "network.grid=[8]: expected a list of two, height and width"),
        (
            replaced(CONFIG, training={"index": "data"}),
            "training.index='data': expected 'neurons' for network.kind='deep'",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(tables: Tables, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(tables)
    assert str(caught.value).startswith(message)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("name", NETWORKS)
def test_a_config_survives_being_written(name: str) -> None:
    config = load_config(of_kind(name))
    assert load_config(config.as_dict()) == config
    assert (config.network.share, config.network.calibrate) == (0.2, True)
    plain = load_config(of_kind(name, threshold=0.0))
    assert load_config(plain.as_dict()) == plain
    assert plain.network.fitted_share is None


def test_another_kind_puts_the_options_of_the_old_one_aside() -> None:
    config = load_config(CONFIG, ["network.depth=4", "network.kind=residual"])
    assert config.network.shapes(64) == [(1, 512, 64, 1), *[(1, 512, 512, 1)] * 4]
    assert load_config(CONFIG, ["network.kind=two_layer"]).network.width == 1024


def test_the_grid_must_have_as_many_numbers_as_an_input() -> None:
    with pytest.raises(ConfigError, match=r"network.grid=\[5, 4\]: 5 \* 4 pixels .* make 20 numbers, .* dimension 64"):
        run(of_kind("convolutional", grid=[5, 4]))


@pytest.mark.parametrize("name", NETWORKS)
def test_the_sizes_are_those_of_the_network_made(name: str) -> None:
    config = load_config(of_kind(name))
    network = Setting.of(config).start_deep(config)
    made = [
        (sum(b.positions for b in layer.blocks), *layer.blocks[0].points.shape, len(layer.blocks))
        for layer in network.layers
    ]
    assert made == config.network.shapes(64)
    assert config.network.neurons == sum(network.widths)


def test_what_does_not_fit_in_memory_is_refused_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    config = load_config(replaced(CONFIG, network={"kind": "deep", "width": 100_000}))
    monkeypatch.setattr("hybrid_train.support.memory.available_bytes", lambda: 1 << 30)
    with pytest.raises(
        ResourceError, match=r"network.kind='deep', 10 examples of dimension 64: weights .* available 1"
    ):
        Setting.of(config)


def test_a_note_tells_what_fires_in_each_layer() -> None:
    fitted = Setting.of(load_config(of_kind("deep", widths=[400, 300, 200]))).notes[-1]
    assert "layers 0 .. 2 are fitted to the data" in fitted
    assert "20 %, 20 %, 20 % of the neurons fire" in fitted
    assert "not fitted to the data: 0, 0, 0;" in Setting.of(load_config(of_kind("deep", threshold=0.0))).notes[-1]


@pytest.mark.parametrize("name", NETWORKS)
def test_every_finder_gives_the_same_row(name: str) -> None:
    tables = of_kind(name) | {"finders": {"grover": {"engine": "closed_form"}}}
    finders = ["scan", "grover"] if name == "unshared" else ["scan", "hsr", "skin", "sparse_columns", "auto", "grover"]
    result = compare(tables, finders)
    assert not result.errors
    for row in result.rows:
        assert (row["recall"], row["spurious"]) == (1, 0)
        assert row["losses"] == pytest.approx(result.rows[0]["losses"], rel=1e-9)
        assert row["final_loss"] < row["initial_loss"]
    assert result.fired is not None
    assert (result.fired["threshold"], result.fired["expected"], result.fired["bound"]) == (None, None, None)
    assert result.fired["width"] == result.config.network.neurons


class Counting(ActiveSetFinder):
    """A scan that counts its queries."""

    def __init__(self) -> None:
        super().__init__()
        self._scan, self.asked = ScanFinder(), 0
        self.promise_of = self._scan.promise

    @property
    def promise(self) -> Any:
        return self.promise_of

    def build(self, points: Any, queries: Any, threshold: float) -> None:
        self._scan.build(points, queries, threshold)
        self.cost = self._scan.cost

    def find(self, rows: Any = None) -> ActiveSets:
        found = self._scan.find(rows)
        self.asked += len(found.by_query().rows)
        return found

    def move_points(self, rows: Any, points: Any) -> None:
        self._scan.move_points(rows, points)

    def move_queries(self, rows: Any, queries: Any) -> None:
        self._scan.move_queries(rows, queries)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("name", NETWORKS)
def test_no_more_is_asked_than_was_planned(name: str, algorithm: str) -> None:
    tables = of_kind(name) | ALGORITHMS[algorithm]
    tables["training"] = {"loss": "cross_entropy", "steps": 3} | tables["training"]
    config = load_config(tables)
    setting = Setting.of(config)
    made: list[Counting] = []

    def make(bank: int) -> Counting:
        assert bank == len(made), "banks are counted through the layers, each once"
        made.append(Counting())
        return made[-1]

    for _ in make_training(config, setting, setting.start(config), make):
        pass
    asked, planned = sum(finder.asked for finder in made), planned_queries(config, setting)
    assert len(made) == sum(shape.banks for shape in config.network.shapes(64))
    assert 0.2 * planned < asked <= planned


@pytest.mark.parametrize("algorithm", ["sgd", "adversarial"])
def test_other_algorithms_find_everything_too(algorithm: str) -> None:
    tables = (
        replaced(
            CONFIG,
        )
        | ALGORITHMS[algorithm]
    )
    tables["training"] = tables["training"] | {"loss": "cross_entropy"}
    rows = compare(tables, ["scan", "skin", "sparse_columns"]).rows
    assert [row["recall"] for row in rows] == [1, 1, 1]
    assert all(row["losses"] == pytest.approx(rows[0]["losses"], rel=1e-9) for row in rows)
    assert ("robust_accuracy" in rows[0]) == (algorithm == "adversarial")


@pytest.mark.parametrize("name", ["deep", "residual"])
def test_weights_may_be_float32(name: str) -> None:
    rows = compare(of_kind(name, dtype="float32"), ["scan", "sparse_columns"]).rows
    wide = run(of_kind(name) | {"finder": {"kind": "scan"}}).row
    for row in rows:
        assert (row["recall"], row["spurious"]) == (1, 0)
        assert row["losses"] == pytest.approx(wide["losses"], rel=1e-4)


def test_auto_multiplies_active_coordinates_in_layers_that_read_everything() -> None:
    choice = run(of_kind("deep") | {"finder": {"kind": "auto"}}).row.facts["choice"]
    assert choice.startswith("sparse_columns, the layers read all of the layer below")


def test_fresh_examples_reach_a_network_fitted_to_others() -> None:
    tables = {
        "data": {"kind": "even_polynomial", "dim": 5},
        "network": {"kind": "deep", "width": 40, "depth": 1},
        "training": {"algorithm": "sgd", "steps": 4, "batch_size": 8, "learning_rate": 0.01},
    }
    result = run(tables)
    assert result.row["recall"] == 1
    setting = Setting.of(load_config(tables))
    assert "20 %, 20 %" not in setting.notes[-1], "other examples than those looked at"
    assert "fitted to the data" in setting.notes[-1]


def test_a_finder_that_finds_nothing_moves_nothing() -> None:
    result = run(replaced(CONFIG, finder={"kind": "empty"}))
    assert result.row["fired_per_datum"] == 0
    assert result.row["recall"] == 0
    assert len(set(result.losses)) == 1


@pytest.mark.parametrize(
    ("name", "keep"), [("deep", "best"), ("residual", "average"), ("convolutional", "last"), ("unshared", "last")]
)
def test_a_checkpoint_brings_the_network_back(name: str, keep: str, tmp_path: Path) -> None:
    tables = of_kind(name) | {"training": CONFIG["training"] | {"keep": keep}}
    result = run(tables, out=tmp_path)
    stored = read_run(tmp_path)
    (checkpoint,) = (read_checkpoint(path) for path in stored.checkpoints.values())
    setting = Setting.of(stored.config)
    start = setting.start_deep(stored.config)
    again = start.at(checkpoint["weights"])
    np.testing.assert_allclose(again.predict(setting.inputs), result.network.predict(setting.inputs), rtol=1e-9)
    for mine, its in zip(start.layers[0].weights(), checkpoint["input_weights"], strict=True):
        np.testing.assert_array_equal(mine, its)
    assert checkpoint["thresholds"].tolist() == [layer.threshold for layer in start.layers]
    assert {path.name for path in result.table.figures} >= {"loss.png", "cost.png", "fired.png"}


@pytest.mark.parametrize("name", ["deep", "residual", "convolutional"])
def test_the_theory_has_its_lines_and_landscape(name: str, tmp_path: Path) -> None:
    result = check_theory(of_kind(name), out=tmp_path)
    assert {line.source for line in result.lines} >= {"DEEP Theorem 3", "DEEP Theorem 4", "DEEP Theorem 5a"}
    assert all(line.measured is None or np.isfinite(line.measured) for line in result.lines)
    assert [point["step"] for point in result.series["landscape"]] == [0, 3]
    pictures = {"landscape", "theory_layers"}
    assert {path.name for path in result.figures} == {f"{name}.{end}" for name in pictures for end in ("png", "json")}
    assert check_theory(of_kind(name), costs=False).series == {}


def test_what_is_about_two_layers_alone_says_so() -> None:
    with pytest.raises(ConfigError, match=r"^network.kind='deep': expected 'two_layer'"):
        count_along(CONFIG)


def test_deep_networks_are_at_hand() -> None:
    network = hybrid_train.residual(16, 2, 8)
    assert isinstance(network, hybrid_train.DeepNetwork)
    DeepDynamics(network, np.eye(8), lambda bank: hybrid_train.make_finder("scan"))


def test_a_deep_run_leaves_the_finite_numbers_without_a_warning() -> None:
    """Warnings are errors here: of single precision in training, and of what a theory makes of weights near the end."""
    data = {"kind": "even_polynomial", "dim": 5, "degree": 4, "n": 7}
    network = {"kind": "deep", "width": 396, "depth": 4, "threshold": 0.1, "dtype": "float32"}
    with pytest.raises(DivergenceError, match="the loss is inf at step 2"):
        run({"data": data, "network": network, "training": {"steps": 2, "learning_rate": 3.0}, "run": {"seed": 677083}})
    training = {"steps": 5, "loss": "absolute", "learning_rate": 3.0, "algorithm": "sgd", "batch_size": 7}
    tables = {"data": {"kind": "sphere", "n": 28, "dim": 8}, "network": {"kind": "deep", "width": 400, "depth": 4}}
    lines = check_theory(tables | {"training": training, "run": {"seed": 866828}}, costs=False).lines
    assert any(line.as_dict()["measured"] is None for line in lines if line.relation)
    assert not any(line.holds == "no" for line in lines)
