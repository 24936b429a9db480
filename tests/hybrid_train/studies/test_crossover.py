from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits.draws import stream_keys
from circuits.oracle_calls import play
from circuits.strategies import load_strategy
from classical.training import gradient_descent
from hybrid_train.cli import main
from hybrid_train.data import sphere
from hybrid_train.errors import CheckpointError, ConfigError
from hybrid_train.finder.registry import make_finder
from hybrid_train.finder.scan import active_pairs
from hybrid_train.network import TwoLayerNetwork
from hybrid_train.network.sparsity import expected_fired
from hybrid_train.report.crossover import plot_crossover
from hybrid_train.studies import crossover
from hybrid_train.studies.crossover import COLUMNS, RIVALS, WIDTHS, crossover_text, find_crossovers
from hybrid_train.studies.crossover_costs import CostModel, CrossoverOptions, measured_rate
from hybrid_train.studies.search_growth import SearchGrowth, played_searches
from hybrid_train.studies.training_growth import TrainingCounts, TrainingGrowth, measured_training, measured_widths
from hybrid_train.support.power_law import PowerLaw
from hybrid_train.training.losses import make_loss
from tests.support.counted_once import count_once

SMALL = CrossoverOptions(dim=4, n=6, bits=4, steps=6, strategies=("known_k", "bbht", "warm"), classical_rate=1e9)
NEWCOMERS = PowerLaw(0.5, 0.2, 0.0)


@pytest.fixture(scope="module", autouse=True)
def once() -> Iterator[None]:
    """Count what crossovers of the same options share once."""
    with pytest.MonkeyPatch.context() as patch:
        count_once(patch)
        yield


@pytest.fixture(scope="module")
def document(once: None) -> dict[str, Any]:
    return find_crossovers(SMALL)


def costs(document: dict[str, Any], row: dict[str, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    curves = document["curves"][row["column"]]
    return np.array(curves[row["strategy"]]), np.array(curves[row["rival"]])


class TestLaws:
    @given(st.floats(1e-3, 1e3), st.floats(-2.0, 2.0))
    def test_a_power_law_is_found_again(self, factor: float, exponent: float) -> None:
        widths = [1 << e for e in range(10, 15)]
        law = PowerLaw.fit(widths, [factor * w**exponent for w in widths])
        assert law.factor == pytest.approx(factor, rel=1e-6)
        assert law.exponent == pytest.approx(exponent, abs=1e-7)
        assert law.exponent_sem < 1e-7
        assert law(1 << 20) == pytest.approx(factor * 2 ** (20 * exponent), rel=1e-5)

    def test_noise_shows_in_the_standard_error(self) -> None:
        widths = np.array([1 << e for e in range(10, 18)])
        noisy = widths**0.5 * np.exp(np.random.default_rng(3).normal(0, 0.1, len(widths)))
        assert 0.005 < PowerLaw.fit(widths, noisy).exponent_sem < 0.05

    def test_what_never_happens_has_the_law_zero(self) -> None:
        assert PowerLaw.fit([4, 8, 16], [0.0, 0.0, 0.0])(1 << 40) == 0.0
        assert PowerLaw.fit([4, 8, 16], [0.0, 8.0, 16.0]).exponent == pytest.approx(1.0)

    def test_list_entries_stay_above_what_fired_neurons_ask_for(self) -> None:
        counts = [TrainingCounts(1 << e, 100.0, 1.0, 3e4 / 2**e, 5.0, 1.5) for e in (12, 13, 14)]
        growth = TrainingGrowth.of(counts)
        assert growth.entries(1 << 40) == pytest.approx(2 * expected_fired(1 << 40))
        assert growth.operations_an_entry(1 << 40) == pytest.approx(1.5)


def test_trainings_count_what_changed() -> None:
    n, dim, steps, seed = 6, 4, 5, 2
    one = measured_training(measured_widths(n, dim)[0], n, dim, steps, seed)
    dataset, loss = sphere(n, dim, seed), make_loss("squared")
    network = TwoLayerNetwork.initialize(one.width, dim, seed=seed)
    targets = loss.encode(dataset, 1)
    pairs, fired = [], []
    for record in gradient_descent(network, dataset.inputs, targets, loss, make_finder("scan"), steps=steps):
        sets = active_pairs(network.weights, dataset.inputs, network.threshold)
        pairs.append(set(zip(sets.query_ids.tolist(), sets.point_ids.tolist(), strict=True)))
        fired.append(record.fired_per_datum.mean())
    newcomers = sum(len(now - before) for before, now in pairwise(pairs))
    assert newcomers > 0
    assert one.newcomers == pytest.approx(newcomers / n / steps)
    assert one.fired == pytest.approx(np.mean(fired[1:]))
    assert one.entries >= 2 * one.fired
    assert measured_widths(1 << 20, 4)[-1] == 1 << 12


class TestSearches:
    def test_the_reference_is_found_again(self) -> None:
        law = played_searches("known_k", 1e-6, NEWCOMERS)
        for width, marked, total in ((1024, 49, 308), (4096, 140, 1065), (65536, 1153, 12425)):
            assert law.oracle_calls(width, marked) + law.runs(width, marked) == pytest.approx(total, rel=0.03)
        assert law.error < 0.01

    @pytest.mark.parametrize("name", ["known_k", "adaptive", "bbht"])
    def test_extrapolation_meets_a_wider_search(self, name: str) -> None:
        """Two searches for 435 000 items: their mean wanders by less than 0.5 %, so 5 % is the fit's own error."""
        law, strategy, width = played_searches(name, 1e-6, NEWCOMERS), load_strategy(name), 1 << 27
        marked = round(expected_fired(width))
        keys = stream_keys(np.random.SeedSequence(5), np.arange(2))
        played = play(strategy.start(width, np.full(2, 1e-6), keys, n_marked=marked), np.full(2, marked))
        assert law.oracle_calls(width, marked) == pytest.approx(played["oracle_calls"].mean(), rel=0.05)
        assert law.runs(width, marked) == pytest.approx(played["runs"].mean(), rel=0.05)
        narrow = replace(law, call_terms=(law.call_terms[0] * 1.1, *law.call_terms[1:]))
        assert narrow.oracle_calls(width, marked) != pytest.approx(played["oracle_calls"].mean(), rel=0.05)

    def test_a_warm_search_takes_its_certificate_and_little_more(self) -> None:
        law = played_searches("warm", 1e-6, PowerLaw(1e-9, 0.0, 0.0))
        certificate = 0.5 * math.log(2 / math.sqrt(1e-6)) * math.sqrt(1 << 20)
        assert law.warm
        assert certificate < law.oracle_calls(1 << 20, 0.0) < 1.7 * certificate

    def test_no_extrapolation_goes_below_the_search_that_is_told(self) -> None:
        lucky = SearchGrowth("adaptive", warm=False, call_terms=(0.1, 0.0, 0.0), run_terms=(0.1, 0.0, 0.0), error=0.0)
        assert lucky.oracle_calls(1 << 60, 1 << 40) > 1.37 * 2.0**50
        assert lucky.runs(1 << 60, 1 << 40) == 1 << 40


class TestCosts:
    def test_three_ways_of_counting(self) -> None:
        law = SearchGrowth("bbht", warm=False, call_terms=(3.0, 0.0, 0.0), run_terms=(2.0, 0.0, 0.0), error=0.0)
        counts = [TrainingCounts(1 << e, 10.0, 1.0, 40.0, 3.0, 1.5) for e in (12, 13, 14)]
        options = replace(SMALL, toffoli_rate=1e3, classical_rate=1e6, steps=16)
        model = CostModel(options, 1e6, TrainingGrowth.of(counts), {"bbht": law})
        width, fired = 1 << 14, expected_fired(1 << 14)
        assert model.scan(width) == {"oracle_calls": width, "quantum_memory": 4 * width, "qrom_gates": 4e-6 * width}
        calls = 3 * math.sqrt(width * fired)
        assert model.search("bbht", width, 50) == pytest.approx(
            {
                "oracle_calls": calls + 2 * fired,
                "quantum_memory": 2 * 4 * calls + 4 * 2 * fired,
                "qrom_gates": calls * 50 / 1e3 + 4e-6 * 2 * fired,
            }
        )
        skin = model.skin(width)
        assert skin["oracle_calls"] == pytest.approx(4 * fired + 3 + width / 16)
        assert skin["quantum_memory"] == pytest.approx(1.5 * 4 * fired + 4 * (3 + width / 16))

    def test_the_best_swap_is_no_worse_than_any(self) -> None:
        best = SMALL.toffoli(1 << 20)
        assert best == min(replace(SMALL, swap=1 << low).toffoli(1 << 20) for low in range(20))
        assert best < replace(SMALL, swap=1).toffoli(1 << 20) / 10

    def test_this_machine_has_a_rate(self) -> None:
        assert 1e6 < measured_rate(16) < 1e14

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"n": 0}, "n=0"),
            ({"steps": 0}, "steps=0"),
            ({"dim": 0}, "dim=0"),
            ({"bits": 1}, "bits=1"),
            ({"delta": 1.0}, r"delta=1\.0"),
            ({"swap": 3}, "swap=3"),
            ({"n": 10**30}, "n=1"),
            ({"dim": 10**30}, "dim=1"),
            ({"dim": True}, "dim=True"),
            ({"bits": 10**30}, "bits=1"),
            ({"steps": 10**30}, "steps=1"),
            ({"steps": math.nan}, "steps=nan"),
            ({"swap": 10**30}, "swap=1"),
            ({"seed": True}, "seed=True"),
            ({"delta": 5e-324}, "delta=5e-324"),
            ({"delta": math.nan}, "delta=nan"),
            ({"toffoli_rate": math.nan}, "toffoli_rate=nan"),
            ({"toffoli_rate": 10**400}, "toffoli_rate=1"),
            ({"toffoli_rate": 0.0}, r"toffoli_rate=0\.0"),
            ({"classical_rate": math.inf}, "classical_rate=inf"),
            ({"seed": -1}, "seed=-1"),
            ({"strategies": ()}, "strategies=''"),
            ({"strategies": ("bbht", "bbht")}, "strategies='bbht,bbht'"),
            ({"strategies": ("bbth",)}, "did you mean 'bbht'"),
        ],
    )
    def test_bad_options_are_named(self, changes: dict[str, Any], words: str) -> None:
        with pytest.raises(ConfigError, match=words):
            replace(SMALL, **changes)


class TestCrossovers:
    def test_a_width_is_where_the_search_goes_below_for_good(self, document: dict[str, Any]) -> None:
        assert len(document["rows"]) == 3 * len(RIVALS) * len(COLUMNS)
        for row in document["rows"]:
            own, other = costs(document, row)
            assert (row["width"] is None) == bool(own[-1] >= other[-1]) == bool(row["reason"])
            if row["width"] is not None:
                at = WIDTHS.index(row["width"])
                assert (own[at:] < other[at:]).all()
                assert at == 0 or own[at - 1] >= other[at - 1]

    def test_calls_beat_a_scan_and_gates_never_do(self, document: dict[str, Any]) -> None:
        found = {(row["strategy"], row["rival"], row["column"]): row for row in document["rows"]}
        for strategy in SMALL.strategies:
            assert found[strategy, "scan", "oracle_calls"]["width"] <= 1 << 12
            assert found[strategy, "scan", "quantum_memory"]["width"] <= 1 << 16
            for rival in RIVALS:
                row = found[strategy, rival, "qrom_gates"]
                assert row["width"] is None
                assert row["growth"] > 1.2 > row["rival_growth"]
                assert "times as much" in row["reason"]

    def test_a_machine_fast_enough_would(self, document: dict[str, Any]) -> None:
        quick = find_crossovers(replace(SMALL, strategies=("known_k",), toffoli_rate=1e40))
        assert [row["width"] is None for row in quick["rows"] if row["column"] == "qrom_gates"] == [False, False]

    def test_the_text_says_what_it_assumes(self, document: dict[str, Any]) -> None:
        text = crossover_text(document)
        assert "\nsampled: widths" in text
        for name in (*SMALL.strategies, *COLUMNS.values(), *document["assumptions"]):
            assert name in text
        assert "never [1]" in text
        assert "1e+06 Toffoli/s" in text
        assert "1e+09 multiply-adds/s (given)" in text
        reasons = {row["reason"] for row in document["rows"]} - {""}
        assert all(reason in text for reason in reasons)

    def test_the_picture_marks_every_crossing(self, document: dict[str, Any]) -> None:
        for column in COLUMNS:
            ax = plot_crossover(document, column)
            marks = [line for line in ax.lines if line.get_marker() in ("o", "s") and len(line.get_xdata())]
            visible = {
                (math.log2(row["width"]), row["rival"])
                for row in document["rows"]
                if row["column"] == column and row["width"] is not None
            }
            drawn = {(line.get_xdata()[0], "scan" if line.get_marker() == "o" else "skin") for line in marks}
            assert drawn == visible
            curve = next(line for line in ax.lines if line.get_label() == "bbht")
            own = np.array(document["curves"][column]["bbht"]) / document["curves"][column]["scan"]
            np.testing.assert_allclose(curve.get_ydata(), own)


class TestCommand:
    SIZES = ("crossover", "--dim", "4", "--n", "6", "--bits", "4", "--steps", "6", "--strategies", "known_k,warm")

    def test_json_and_results(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        out = tmp_path / "out"
        arguments = [*self.SIZES, "--classical-rate", "1e9", "--out", str(out), "--json"]
        assert main(arguments) == 0
        captured = capsys.readouterr()
        document = json.loads(captured.out)
        assert captured.err == ""
        assert {row["column"] for row in document["rows"]} == set(COLUMNS)
        assert json.loads((out / "summary.json").read_text()) == document
        assert (out / "figures" / "crossover.png").read_bytes().startswith(b"\x89PNG")
        numbers = json.loads((out / "figures" / "crossover.json").read_text())
        assert set(numbers["columns"]["qrom_gates"]) == {"known_k", "warm", "skin"}
        monkeypatch.setattr(crossover, "measured_model", lambda *_: pytest.fail("measured before looking"))
        assert main(arguments) == 2
        assert "already holds results" in capsys.readouterr().err

    def test_the_answer_is_printed_where_nothing_can_be_written_or_drawn(
        self,
        tmp_path: Path,
        document: dict[str, Any],
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        def broken(*_: Any) -> Any:
            raise CheckpointError("No space left on device")

        monkeypatch.setattr(crossover, "find_crossovers", lambda *_, **__: dict(document))
        monkeypatch.setitem(sys.modules, "hybrid_train.report.crossover", None)
        assert main(["crossover", "--out", str(tmp_path / "out")]) == 0
        printed = capsys.readouterr()
        assert "note: pictures could not be drawn: ModuleNotFoundError: " in printed.err
        assert "picture " not in printed.out
        monkeypatch.setattr("hybrid_train.experiments.journal.Journal.end", broken)
        assert main(["crossover", "--json", "--out", str(tmp_path / "other")]) == 1
        printed = capsys.readouterr()
        assert json.loads(printed.out)["rows"] == json.loads(json.dumps(document))["rows"]
        assert printed.err == "hybrid-train: error: No space left on device\n"

    def test_the_answer_and_its_picture_are_printed(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main([*self.SIZES, "--quiet", "--out", str(tmp_path / "out")]) == 0
        out = capsys.readouterr().out
        assert out.startswith("Least width from which")
        assert "(measured on this machine)" in out
        assert out.endswith(f"picture {tmp_path / 'out' / 'figures' / 'crossover.png'}\n")

    @pytest.mark.parametrize(
        "arguments", [("--strategies", "grover"), ("--dim", "0"), ("--toffoli-rate", "fast"), ("--swap", "5")]
    )
    def test_bad_options_are_one_line(self, arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
        assert main([*self.SIZES, *arguments]) == 2
        captured = capsys.readouterr()
        assert (captured.out, captured.err.count("\n")) == ("", 1)
        assert captured.err.startswith("hybrid-train: error: ")


def test_a_machine_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["crossover", "--physical", "qubit"]) == 2
    assert main(["crossover", "--error-budget", "0.1"]) == 2
    errors = capsys.readouterr().err
    assert "expected one of qubit_gate_ns_e3" in errors
    assert "it goes with --physical" in errors


@pytest.mark.peers
def test_times_on_error_corrected_qubits(document: dict[str, Any]) -> None:
    pytest.importorskip("qdk")
    asked = replace(SMALL, physical=("qubit_gate_ns_e3",))
    found = find_crossovers(asked)
    assert found["rows"] == document["rows"]
    rows = {(row["strategy"], row["width"]): row for row in found["physical"]}
    assert len(rows) == len(SMALL.strategies) * len(crossover.PHYSICAL_WIDTHS)
    text = crossover_text(found)
    for (strategy, width), row in rows.items():
        assert row["scan_seconds"] == pytest.approx(width * SMALL.dim / 1e9)
        if row["reason"] is not None:
            assert width > 1 << 20
            continue
        assert row["seconds"] > row["scan_seconds"]
        assert f"{row['physical_qubits']:,}" in text
        calls = rows["known_k", width]["seconds"]
        assert strategy == "warm" or row["seconds"] >= 0.9 * calls
    assert "physical" not in document
