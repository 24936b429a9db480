from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_train.config import load_config
from hybrid_train.config.data_kinds import DATA_KINDS, DigitsConfig
from hybrid_train.config.schema import NetworkConfig, RunConfig, TrainingConfig
from hybrid_train.config.sizes import check_network
from hybrid_train.config.toml import toml_text
from hybrid_train.errors import ConfigError, ResourceError
from hybrid_train.finder.registry import finder_kinds
from hybrid_train.training.losses import LOSSES

SPHERE = {"data": {"kind": "sphere", "n": 8, "dim": 3}}
POLYNOMIAL = {"data": {"kind": "even_polynomial", "dim": 3}}
KINDS = ", ".join(DATA_KINDS)


def errors_of(tables: dict[str, Any], *overrides: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_config(tables, overrides)
    return str(caught.value).splitlines()


def test_defaults_are_the_documented_ones() -> None:
    config = load_config(SPHERE)
    assert config.as_dict() == {
        "data": {"kind": "sphere", "n": 8, "dim": 3, "targets": "random_signs"},
        "network": {
            "kind": "two_layer",
            "width": 1024,
            "threshold": "auto",
            "outputs": "auto",
            "start": "gaussian",
            "output_weight": 1.0,
            "dtype": "float64",
            "storage": "stored",
            "activation": "relu",
        },
        "training": {
            "algorithm": "gd",
            "index": "neurons",
            "steps": 100,
            "learning_rate": "auto",
            "loss": "squared",
            "optimiser": "descent",
            "weight_decay": 0.0,
            "schedule": "constant",
        },
        "finder": {"kind": "auto"},
        "run": {"seed": 0, "audit_every": 1, "threads": "auto", "checkpoint": 0, "snapshots": 0, "proof": False},
    }


def test_every_error_is_told_at_once() -> None:
    lines = errors_of(
        {
            "data": {"kind": "digits", "n": 0, "clases": [3, 8], "classes": [3, "x"]},
            "netwrk": {"width": 3},
            "network": {"width": 0, "threshold": "atuo", "outputs": True},
            "training": {"steps": 2.5, "loss": "sqared", "index": "neuron"},
            "finder": {"kind": "scn"},
            "finders": {"scan": {"leaf": 3}},
            "run": {"seed": -1, "audit_every": True},
        }
    )
    assert lines == [
        "netwrk: unknown section, did you mean 'network'?; "
        "known: data, network, training, adversary, run, finder, finders",
        "data.n=0: expected a number of at least 1",
        "data.classes=[3, 'x']: expected 'all' or at least two distinct digits from 0 to 9",
        "data.clases=[3, 8]: unknown key, did you mean 'classes'?; known: kind, n, test, standardise, bias, classes",
        "network.width=0: expected a number of at least 1",
        "network.threshold='atuo': expected a number from -10^6 to 10^6, 'auto' or a table {alpha = A}, did you mean "
        "'auto'?",
        "network.outputs=True: expected a whole number of at least 1 or 'auto'",
        "training.index='neuron': expected 'neurons' or 'data', did you mean 'neurons'?",
        "training.steps=2.5: expected a whole number",
        f"training.loss='sqared': expected one of {', '.join(LOSSES)}, did you mean 'squared'?",
        "run.seed=-1: expected a number of at least 0",
        "run.audit_every=True: expected a whole number",
        f"finder.kind='scn': expected one of {', '.join(finder_kinds())}, did you mean 'scan'?",
        "finders.scan.leaf=3: unknown key; known: none",
    ]


@pytest.mark.parametrize(
    ("tables", "line"),
    [
        ({}, "data: missing, expected a kind of data: " + KINDS),
        (
            SPHERE | {"network": {"storage": "live"}, "finder": {"kind": "skin"}, "run": {"proof": True}},
            "network.storage='live': expected 'stored' for run.proof=True, which writes W down",
        ),
        ({"data": {"n": 3}}, "data.kind: missing, expected a kind of data: " + KINDS),
        ({"data": {"kind": "sphere", "n": 3}}, "data.dim: missing, expected a value"),
        ({"data": 3}, "data=3: expected a table, [data]"),
        ({"data": {"kind": ["x"]}}, "data.kind=['x']: expected one of " + KINDS),
        (
            SPHERE | {"network": {"threshold": float("nan")}},
            "network.threshold=nan: expected a number from -10^6 to 10^6, 'auto' or a table {alpha = A}",
        ),
        (
            SPHERE | {"network": {"threshold": True}},
            "network.threshold=True: expected a number from -10^6 to 10^6, 'auto' or a table {alpha = A}",
        ),
        (
            SPHERE | {"network": {"width": 3, "start": "paired"}},
            "network.width=3: expected an even number, since start='paired' makes pairs",
        ),
        (
            SPHERE | {"training": {"learning_rate": 0}},
            "training.learning_rate=0: expected a number above 0, 'auto' or 'theorem'",
        ),
        (
            SPHERE | {"training": {"loss": "absolute"}},
            "training.learning_rate='auto': expected a number above 0, since loss='absolute' has no bounded curvature",
        ),
        (
            SPHERE | {"training": {"huber_delta": 2.0}},
            "training.huber_delta=2.0: remove it, it belongs to loss='huber'",
        ),
        (SPHERE | {"finders": {"scan": 1}}, "finders.scan=1: expected a table"),
        (
            SPHERE | {"training": {"batch_size": 3}},
            "training.batch_size=3: remove it, it belongs to algorithm='sgd'",
        ),
        (
            SPHERE | {"training": {"replacement": False}},
            "training.replacement=False: remove it, it belongs to algorithm='sgd'",
        ),
        (
            SPHERE | {"training": {"algorithm": "sgd", "batch_size": 9}},
            "training.batch_size=9: expected at most 8, which is data.n",
        ),
        (
            SPHERE | {"training": {"keep": "first"}},
            "training.keep='first': expected 'last', 'best', 'average' or 'random'",
        ),
        (SPHERE | {"network": {"output_weight": 0}}, "network.output_weight=0: expected a number above 0"),
        (
            POLYNOMIAL,
            "data.n: missing, expected a number of examples for training.algorithm='gd'; "
            "fresh examples in every step need training.algorithm='sgd'",
        ),
        (
            POLYNOMIAL | {"training": {"algorithm": "sgd", "index": "data"}},
            "training.index='data': expected 'neurons', since fresh examples leave no data to index; "
            "or give data.n, a number of examples to keep",
        ),
        (
            POLYNOMIAL | {"training": {"algorithm": "sgd", "replacement": True}},
            "training.replacement=True: remove it, fresh examples are always independent; or give data.n",
        ),
        (
            {"data": POLYNOMIAL["data"] | {"n": 8, "held_out": 8}},
            "data.held_out=8: remove it, it belongs to fresh examples, without n",
        ),
        (
            {"data": POLYNOMIAL["data"] | {"n": 8, "points": 8}},
            "data.points=8: remove it, it belongs to inputs='random_points'",
        ),
        (
            {"data": POLYNOMIAL["data"] | {"n": 8, "degree": 3}},
            "data.degree=3: expected an even number of at least 2",
        ),
        ({"data": {"kind": "two_spirals", "n": 1}}, "data.n=1: expected a number of at least 2"),
        (
            {"data": {"kind": "digits", "classes": [3, 3]}},
            "data.classes=[3, 3]: expected 'all' or at least two distinct digits from 0 to 9",
        ),
        (
            {"data": {"kind": "digits", "classes": "al"}},
            "data.classes='al': expected 'all' or at least two distinct digits from 0 to 9, did you mean 'all'?",
        ),
    ],
)
def test_one_error_one_line(tables: dict[str, Any], line: str) -> None:
    assert errors_of(tables) == [line]


@pytest.mark.parametrize("model", [*DATA_KINDS.values(), NetworkConfig, TrainingConfig, RunConfig])
def test_no_key_takes_a_boolean_or_an_infinite_number(model: Any) -> None:
    section = {NetworkConfig: "network", TrainingConfig: "training", RunConfig: "run"}.get(model, "data")
    for key in model.model_fields:
        for value in (True, float("inf")):
            if value is True and key in {"replacement", "header", "standardise", "bias", "proof"}:
                continue
            tables: dict[str, Any] = {"data": dict(SPHERE["data"])}
            if section == "data":
                kind = next(name for name, schema in DATA_KINDS.items() if schema is model)
                required = {"sphere": {"n": 3, "dim": 3}, "even_polynomial": {"dim": 3}}
                tables["data"] = {"kind": kind, **required.get(kind, {})}
                if kind == "file":
                    tables["data"]["path"] = "x.csv"
            tables.setdefault(section, {})[key] = value
            lines = errors_of(tables)
            assert len(lines) == 1
            assert lines[0].startswith(f"{section}.{key}={value}: expected "), lines


def test_integers_are_taken_for_floats() -> None:
    training = load_config(SPHERE | {"training": {"learning_rate": 1}}).training
    assert isinstance(training.learning_rate, float)
    assert training.learning_rate == 1.0


def test_sgd_has_defaults_of_its_own_and_fresh_examples_are_judged_by_others() -> None:
    tables = POLYNOMIAL | {"training": {"algorithm": "sgd", "keep": "last"}}
    written = load_config(tables).as_dict()
    assert written["training"] | {"batch_size": 16, "replacement": False, "keep": "last"} == written["training"]
    assert written["data"]["held_out"] == 1024
    assert load_config(written).as_dict() == written
    assert load_config(SPHERE).training.kept == "last"
    small = {"algorithm": "sgd", "batch_size": 8}
    assert load_config(SPHERE | {"training": small}).training.kept == "random"
    deep = SPHERE | {"network": {"kind": "deep", "widths": [8, 8]}}
    assert load_config(deep | {"training": small}).training.kept == "last", "as DEEP Theorem 2 returns it"
    assert load_config(deep | {"training": small | {"keep": "best"}}).training.kept == "best"
    assert load_config(SPHERE | {"training": small | {"replacement": "subset"}}).training.replacement == "subset"


def test_options_of_a_loss_reach_it() -> None:
    config = load_config(SPHERE | {"training": {"loss": "huber", "huber_delta": 0.5}})
    assert config.training.loss_options == {"delta": 0.5}
    config = load_config(SPHERE | {"training": {"loss": "geman_mcclure", "geman_mcclure_scale": 2}})
    assert config.training.loss_options == {"scale": 2.0}


def test_finder_options_are_checked_by_the_finder_itself() -> None:
    assert errors_of(SPHERE | {"finder": {"kind": "hsr", "leaf_size": 0}}) == [
        "finder.leaf_size=0: expected a number of at least 1"
    ]
    grover = {"kind": "grover", "engine": "closed_form", "delta": 0.0}
    assert errors_of(SPHERE | {"finder": grover}) == ["finder.delta=0.0: must lie strictly between 0 and 1"]


def test_an_option_only_python_can_give_is_refused() -> None:
    lines = errors_of(SPHERE | {"finder": {"kind": "grover", "sampler": "x"}})
    assert lines == ["finder.sampler='x': can only be given from Python, to hybrid_train.make_finder"]


class TestOverrides:
    def test_values_are_toml_and_bare_words_are_strings(self) -> None:
        overrides = ["training.steps=7", "network.threshold=0.5", "network.start = paired", "run.seed=3"]
        config = load_config(SPHERE, overrides)
        assert (config.training.steps, config.network.threshold, config.network.start) == (7, 0.5, "paired")
        data = load_config(SPHERE, ["data.kind=digits", "data.classes=[1, 2, 3]"]).data
        assert isinstance(data, DigitsConfig)
        assert data.classes == [1, 2, 3]

    def test_they_are_checked_like_the_rest(self) -> None:
        assert errors_of(SPHERE, "training.stps=7", "run.seed=x") == [
            f"training.stps=7: unknown key, did you mean 'steps'?; known: {', '.join(TrainingConfig.model_fields)}",
            "run.seed='x': expected a whole number",
        ]

    @pytest.mark.parametrize("text", ["", "steps", "steps=3", "training.=3", ".x=3", "=3"])
    def test_without_a_section_and_a_key_it_is_refused(self, text: str) -> None:
        assert errors_of(SPHERE, text) == [f"--set {text!r}: expected section.key=value, such as training.steps=50"]

    def test_a_value_is_no_table(self) -> None:
        assert errors_of(SPHERE, "data.n.x=3") == ["--set data.n.x: n is a value, not a table"]

    def test_text_that_would_open_another_table_stays_text(self) -> None:
        assert errors_of(SPHERE, "run.seed=1\n[network]\nwidth=3") == [
            r"run.seed='1\n[network]\nwidth=3': expected a whole number"
        ]

    @pytest.mark.parametrize(
        "overrides", [("finder.leaf_size=32", "finder.kind=hsr"), ("finder.kind=hsr", "finder.leaf_size=32")]
    )
    def test_a_new_finder_drops_the_options_of_the_old_one_in_any_order(self, overrides: tuple[str, str]) -> None:
        tables = SPHERE | {"finder": {"kind": "grover", "engine": "closed_form"}}
        config = load_config(tables, overrides)
        assert (config.finder.kind, config.finder.options) == ("hsr", {"leaf_size": 32})

    def test_new_data_keep_the_options_they_know(self) -> None:
        tables = {"data": {"kind": "digits", "n": 20, "classes": [1, 2]}}
        config = load_config(tables, ["data.kind=sphere", "data.dim=5"])
        assert config.as_dict()["data"] == {"kind": "sphere", "n": 20, "dim": 5, "targets": "random_signs"}

    def test_the_tables_given_are_not_changed(self) -> None:
        tables = {"data": dict(SPHERE["data"]), "finder": {"kind": "scan"}}
        load_config(tables, ["data.n=9", "finder.kind=hsr", "training.steps=3"])
        assert tables == {"data": SPHERE["data"], "finder": {"kind": "scan"}}


def test_a_comparison_takes_each_finders_own_options() -> None:
    tables = SPHERE | {
        "finder": {"kind": "grover", "engine": "closed_form", "delta": 0.1},
        "finders": {"grover": {"delta": 0.2}, "hsr": {"leaf_size": 8}},
    }
    config = load_config(tables)
    assert config.options_of("scan") == {}
    assert config.options_of("hsr") == {"leaf_size": 8}
    assert config.options_of("grover") == {"engine": "closed_form", "delta": 0.2}
    single = config.with_finder("hsr", "data")
    assert single.as_dict()["finder"] == {"kind": "hsr", "leaf_size": 8}
    assert single.training.index == "data"
    assert "finders" not in single.as_dict()


class TestFiles:
    def test_a_relative_data_path_starts_at_the_config(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "deep").mkdir()
        path = tmp_path / "deep" / "a.toml"
        path.write_text('[data]\nkind = "file"\npath = "../x.csv"\n', encoding="utf-8")
        monkeypatch.chdir(tmp_path)
        for source in (path, str(path), Path("deep/a.toml")):
            assert load_config(source).as_dict()["data"]["path"] == str(tmp_path / "x.csv")

    def test_a_resolved_config_reads_back_as_itself(self, tmp_path: Path) -> None:
        tables = {
            "data": {"kind": "file", "path": 'tab\t"quote".csv', "target": 2},
            "training": {"loss": "huber", "huber_delta": 1e-5, "learning_rate": 3},
            "finder": {"kind": "hsr", "leaf_size": 5},
            "finders": {"grover": {"engine": "closed_form"}, "scan": {}},
        }
        config = load_config(tables)
        path = tmp_path / "config.toml"
        path.write_text(toml_text(config.as_dict()), encoding="utf-8")
        assert load_config(path) == config == load_config(config)

    def test_unreadable_files_are_named(self, tmp_path: Path) -> None:
        broken, binary = tmp_path / "broken.toml", tmp_path / "binary.toml"
        broken.write_text("[data\n", encoding="utf-8")
        binary.write_bytes(b"x = '\xff'")
        for path, problem in (
            (tmp_path / "none.toml", "no such file"),
            (tmp_path, "cannot be read"),
            (broken, "not valid TOML"),
            (binary, "not UTF-8 text, byte 5 is wrong"),
        ):
            with pytest.raises(ConfigError, match=problem) as caught:
                load_config(path)
            assert str(caught.value).startswith(f"config={str(path)!r}: ")


_keys = st.text(min_size=1, max_size=6).filter(lambda text: text.isprintable())
_scalars = (
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | _keys | st.text('\x7f\n\t"\\é')
)
_tables = st.recursive(
    st.dictionaries(_keys, _scalars | st.lists(_scalars, max_size=3), max_size=3),
    lambda inner: st.dictionaries(_keys, inner | _scalars, max_size=3),
    max_leaves=5,
)


@given(_tables)
def test_written_toml_reads_back(tables: dict[str, Any]) -> None:
    assert tomllib.loads(toml_text(tables)) == tables


class TestSizes:
    def test_a_network_too_wide_is_refused_with_both_numbers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("hybrid_train.support.memory.available_bytes", lambda: 2**30)
        check_network(10**5, 100, 1, 0.0)
        with pytest.raises(ResourceError, match=r"network.width=1000000, .* needed 2\.24 GiB, available 1 GiB; "):
            check_network(10**6, 100, 1, 0.0)
        with pytest.raises(ResourceError, match=r"or a higher network.threshold"):
            check_network(10**5, 10, 1, 1e8)


def test_a_key_of_very_many_parts_is_refused_before_it_takes_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("x = 1\n" + "a." * 60_000 + "b = 1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="line 2: more points than a config needs, 60000 in this line"):
        load_config(path)
