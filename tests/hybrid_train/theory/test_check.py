"""The table of predictions: what it says where the theorems apply, where they do not, and where they are broken."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hybrid_train
from hybrid_train.cli import main
from hybrid_train.config import load_config
from hybrid_train.errors import ConfigError
from hybrid_train.experiments.setting import Setting
from hybrid_train.report.theory import plot_error, plot_fired_counts, plot_flips, plot_movement, plot_spectrum
from hybrid_train.support.power_law import PowerLaw
from hybrid_train.theory import Line, check_theory, theory_text
from hybrid_train.theory.check import SUBJECTS
from hybrid_train.theory.checked import Request
from hybrid_train.theory.lines import convergence, kernel, sgd, sparsity
from hybrid_train.theory.lines.case import Case
from hybrid_train.theory.lines.costs import (
    SEARCHERS,
    CostGrowth,
    Growing,
    StepCost,
    cost_growths,
    cost_line,
    fired_exponent,
)
from hybrid_train.theory.two_layer_check import PREPROCESSING, check_two_layer, observe
from hybrid_train.training.losses import make_loss
from tests.support.configs import Tables, merged

IDEAL: Tables = {
    "data": {"kind": "sphere", "n": 3, "dim": 8},
    "network": {"width": 32768, "threshold": 0.5},
    "training": {"steps": 60, "learning_rate": 0.006},
}
SMALL: Tables = {
    "data": {"kind": "sphere", "n": 6, "dim": 4},
    "network": {"width": 64},
    "training": {"steps": 5},
}

POLYNOMIAL: Tables = {
    "data": {"kind": "even_polynomial", "dim": 4, "degree": 2, "n": 12, "norm": 2.0},
    "network": {"width": 128, "start": "paired"},
    "training": {"algorithm": "sgd", "batch_size": 4, "steps": 20, "loss": "huber"},
}


SIMPLE: Tables = {
    "data": {"kind": "sphere", "n": 1, "dim": 2},
    "network": {"width": 1 << 19, "threshold": 0.0},
    "training": {"steps": 30, "learning_rate": 0.1},
}
"""The least of what Lemma 5.2 speaks of."""

FAST = {"training": {"learning_rate": 100.0, "steps": 2}}


def case_of(tables: Tables) -> Case:
    config = load_config(tables)
    setting = Setting.of(config)
    training = config.training
    seen = observe(config, setting)
    return Case(seen, setting.dataset.separation, training.loss, config.network.start, training.algorithm)


def growing(case: Case) -> Growing:
    return Growing(case.observed.inputs, case.observed.targets, make_loss("squared"), 0)


def by_name(case: Case) -> dict[str, Line]:
    return {line.__name__: line(case) for line in PREPROCESSING}


@pytest.fixture(scope="module")
def ideal() -> Case:
    return case_of(IDEAL)


@pytest.fixture(scope="module")
def small() -> Case:
    return case_of(SMALL)


class TestWhereTheTheoremsApply:
    def test_every_claim_holds_but_the_width_nobody_can_have(self, ideal: Case) -> None:
        lines = by_name(ideal)
        open_ = {"never_flipped", "steps_needed", "error_falls"}
        empty = {"most_at_start", "most_ever", "flips_within_reach", "above_separation", "below_tail"}
        empty |= {"gradient", "dual_norm", "dual", "flips", "outputs_move"}
        assert {name: line.holds for name, line in lines.items() if name not in open_} == {
            name: "says nothing" if name in empty else "yes" for name in lines if name not in open_
        }
        assert "there are only m = 32768" in lines["most_at_start"].as_dict()["note"]
        assert lines["error_falls"].satisfied
        assert [reason.split()[0] for reason in lines["error_falls"].missing] == ["m"]

    @pytest.mark.parametrize(
        ("line", "broken"),
        [
            (sparsity.mean_count, {"counts": lambda seen: seen.counts + 2000}),
            (sparsity.most_flips, {"ever_flipped": lambda seen: seen.ever_flipped + 1000}),
            (kernel.discrete_above, {"spectra": lambda seen: seen.spectra / 2}),
            (kernel.discrete_near, {"initial_kernel": lambda seen: seen.initial_kernel * 1.2}),
            (kernel.kernel_drift, {"drift": lambda seen: seen.drift + 1.0}),
            (kernel.kernel_stays, {"spectra": lambda seen: seen.spectra / 3}),
            (convergence.initial_error, {"initial_output": lambda seen: 7.0}),
            (convergence.weights_stay, {"movement": lambda seen: seen.movement + 10.0}),
        ],
    )
    def test_a_broken_run_is_seen(
        self, ideal: Case, line: Callable[[Case], Line], broken: dict[str, Callable[[Any], Any]]
    ) -> None:
        values = {name: change(ideal.observed) for name, change in broken.items()}
        assert line(ideal).holds == "yes"
        assert line(replace(ideal, observed=replace(ideal.observed, **values))).holds == "no"

    @pytest.mark.parametrize("line", [sparsity.most_at_start, sparsity.most_ever])
    def test_counts_say_something_at_a_larger_threshold_and_can_break(
        self, ideal: Case, line: Callable[[Case], Line]
    ) -> None:
        """At b = 2 the bound is 0.27 m, a twelfth of which fires."""
        seen = replace(ideal.observed, threshold=2.0, counts=ideal.observed.counts // 14)
        assert line(replace(ideal, observed=seen)).holds == "yes"
        assert line(replace(ideal, observed=replace(seen, counts=seen.counts * 20))).holds == "no"

    def test_what_no_run_can_break_would_be_a_fault_of_ours(self, ideal: Case) -> None:
        broken = replace(ideal.observed, ever_flipped=ideal.observed.within_reach + 1)
        assert sparsity.flips_within_reach(replace(ideal, observed=broken)).holds == "no"

    def test_an_error_that_does_not_fall_is_seen(self, ideal: Case) -> None:
        flat = replace(ideal.observed, errors=np.full_like(ideal.observed.errors, 3.0))
        stuck = replace(ideal, observed=flat)
        assert convergence.error_falls(stuck).satisfied is False
        assert "step 1" in convergence.error_falls(stuck).note
        assert "premise" in convergence.weights_stay(stuck).missing[0]

    def test_one_datum_fulfils_every_assumption(self) -> None:
        """n = 1 and b = 0: 2^19 neurons are enough for Lemma 5.2, and a run that stands still breaks it."""
        case = case_of(SIMPLE)
        line = convergence.error_falls(case)
        assert line.missing == ()
        assert line.holds == "yes"
        stuck = replace(case.observed, errors=np.full_like(case.observed.errors, case.observed.errors[0]))
        assert convergence.error_falls(replace(case, observed=stuck)).holds == "no"
        short = replace(case.observed, steps=case.observed.steps[:2], errors=case.observed.errors[:2])
        slow = replace(short, learning_rate=1e-3)
        assert convergence.error_falls(replace(case, observed=slow)).holds == "says nothing"

    def test_a_rate_beyond_the_bound_has_none(self, ideal: Case) -> None:
        fast = replace(ideal, observed=replace(ideal.observed, learning_rate=3.0 / ideal.smallest))
        line = convergence.error_falls(fast)
        assert (line.predicted, line.satisfied, line.holds) == (None, None, "not applicable")
        assert any("eta lambda is above 2: 3" in reason for reason in line.missing)
        assert any("premise" in reason for reason in convergence.weights_stay(fast).missing)

    def test_what_rounding_leaves_of_the_error_is_forgiven(self, ideal: Case) -> None:
        seen = ideal.observed
        steps = np.array([0, 10**6])
        late = replace(seen, steps=steps, errors=np.array([seen.errors[0], 1e-29]))
        assert convergence.error_falls(replace(ideal, observed=late)).satisfied
        early = replace(seen, steps=steps, errors=np.array([seen.errors[0], 1e-20]))
        assert not convergence.error_falls(replace(ideal, observed=early)).satisfied


class TestAssumptions:
    def test_duplicates(self, tmp_path: Path) -> None:
        rows = np.random.default_rng(0).standard_normal((5, 4))
        rows[3] = rows[1]
        np.savetxt(tmp_path / "data.csv", np.c_[rows, [1, -1, 1, 1, -1]], delimiter=",")
        lines = by_name(case_of(SMALL | {"data": {"kind": "file", "path": str(tmp_path / "data.csv")}}))
        assert lines["above_separation"].measured == 0.0
        for name in ("above_separation", "discrete_above", "kernel_stays", "error_falls", "weights_stay"):
            assert lines[name].holds == "not applicable"
            assert any("rows 1 and 3 are duplicates" in reason for reason in lines[name].missing)
        assert lines["weights_stay"].predicted is None
        assert lines["mean_count"].holds == "yes"

    @pytest.mark.parametrize(
        ("sections", "line", "reason"),
        [
            ({"training": {"loss": "logistic"}}, "error_falls", "the squared loss is wanted, here loss = logistic"),
            ({"training": {"loss": "cross_entropy"}}, "weights_stay", "one output is wanted, here K = 2"),
            ({"network": {"threshold": -0.5}}, "most_at_start", "b >= 0 is wanted, here b = -0.5"),
            ({"network": {"start": "paired"}}, "initial_error", "zero output at the start"),
            ({"network": {"threshold": 9.0}}, "most_at_start", "may fail with probability 1"),
            ({"training": {"learning_rate": 50.0, "steps": 2}}, "kernel_stays", "here by up to"),
            ({"data": {"n": 1}}, "above_separation", "one datum has no separation"),
            ({"training": {"steps": 0}}, "never_flipped", "the theory gives no number"),
            (
                {"network": {"threshold": 35.0}},
                "kernel_stays",
                "Lemma C.1 wants",
            ),
        ],
    )
    def test_what_is_missing_is_said(self, sections: dict[str, Any], line: str, reason: str) -> None:
        found = by_name(case_of(merged(SMALL, **sections)))[line]
        assert found.holds == "not applicable"
        assert any(reason in text for text in found.missing)

    def test_a_separation_out_of_some_pairs_refutes_nothing(self, small: Case) -> None:
        """A smaller delta would make the bound smaller: "yes" stays true, "no" would not."""
        some = replace(small.separation, exact=False)
        holds = kernel.above_separation(replace(small, separation=some))
        assert (holds.holds, holds.note[:8]) == ("says nothing", "delta <=")
        seen = replace(small.observed, inputs=np.repeat(small.observed.inputs[:1], len(small.observed.inputs), axis=0))
        refuted = replace(small, observed=seen)
        assert kernel.above_separation(refuted).holds == "no"
        doubted = kernel.above_separation(replace(refuted, separation=some))
        assert doubted.holds == "not applicable"
        assert "the least of some pairs" in doubted.missing[-1]

    def test_twins_whose_distance_is_rounding_refute_nothing(self, small: Case) -> None:
        """Rows that are equal up to rounding have a delta of 1e-16, and a least eigenvalue that none tells from 0."""
        rows = np.repeat(small.observed.inputs[:1], len(small.observed.inputs), axis=0)
        twins = replace(small.separation, delta=1e-16)
        line = kernel.above_separation(replace(small, separation=twins, observed=replace(small.observed, inputs=rows)))
        assert (line.satisfied, line.holds) == (False, "not applicable")
        assert "lost in rounding" in line.missing[-1]

    @pytest.mark.parametrize("threshold", [-40.0, 38.0])
    def test_kernels_of_all_or_no_neurons_are_told_up_to_rounding(self, threshold: float) -> None:
        """At b = 38 the kernel underflows before its bound does, at b = -40 H^dis is H^cts but for the last digits."""
        tables = merged(SMALL, data={"kind": "even_polynomial", "dim": 3, "degree": 4, "n": 9})
        found = by_name(case_of(merged(tables, network={"threshold": threshold, "width": 20})))
        assert found["discrete_near"].satisfied
        assert found["above_separation"].holds in {"not applicable", "says nothing"}

    def test_kernels_of_some_steps_are_said_to_be_of_some(self, ideal: Case) -> None:
        steps = len(ideal.observed.spectrum_steps)
        assert steps < len(ideal.observed.steps)
        for line in (kernel.kernel_drift, kernel.kernel_near, kernel.kernel_stays):
            assert f"of {steps} steps from 0 to {ideal.observed.steps[-1]}" in line(ideal).note

    def test_steps_lost_in_single_precision_refute_nothing(self, ideal: Case) -> None:
        stuck = replace(ideal.observed, errors=np.full_like(ideal.observed.errors, ideal.observed.errors[0]))
        for line in (convergence.error_falls, convergence.flow):
            double, single = (line(replace(ideal, observed=replace(stuck, precision=u))) for u in (2e-16, 1e-7))
            assert double.satisfied is single.satisfied is False
            assert not any("double precision" in reason for reason in double.missing)
            assert any("double precision" in reason for reason in single.missing)

    def test_data_of_other_norms(self, small: Case) -> None:
        stretched = replace(small, observed=replace(small.observed, inputs=2.0 * small.observed.inputs))
        assert any("||x|| is from 2 to 2" in text for text in kernel.below_tail(stretched).missing)

    def test_twins_count_as_one_draw(self) -> None:
        """The spread of a paired start is sqrt(2) times that of a start of its own."""
        one, paired = case_of(SMALL), case_of(merged(SMALL, network={"start": "paired"}))
        spreads = [sparsity.mean_count(case).spread for case in (one, paired)]
        assert spreads[1] == pytest.approx(2**0.5 * (spreads[0] or 0.0))
        assert sparsity.mean_count(paired).holds == "yes"

    def test_a_finder_that_misses_neurons_refutes_nothing(self) -> None:
        """Lemma 5.2 is about the whole active sets; with none found the error stays where it is."""
        tables = merged(SIMPLE, finder={"kind": "empty"})
        lines = {line.quantity: line for line in check_theory(tables, costs=False).lines}
        error = lines["||err(t)||^2 at the last step"]
        assert (error.satisfied, error.holds) == (False, "not applicable")
        assert error.missing == ("all active neurons are wanted, here the finder's sets are approximate",)

    def test_a_kernel_that_is_too_narrow_refutes_nothing(self, ideal: Case) -> None:
        """Lemma C.5 rests on C.1, which wants a width: below it a small eigenvalue is no "no"."""
        seen = replace(ideal.observed, width=1024, spectra=ideal.observed.spectra / 3)
        line = kernel.kernel_stays(replace(ideal, observed=seen))
        assert (line.satisfied, line.holds) == (False, "not applicable")
        assert any("Lemma C.1 wants" in reason for reason in line.missing)

    def test_steps_between_those_looked_at_are_said(self, ideal: Case) -> None:
        seen = ideal.observed
        every = {name: getattr(seen, name)[::2] for name in ("steps", "errors", "counts", "flips", "movement")}
        sparse = replace(ideal, observed=replace(seen, **every))
        assert any("every 2 steps" in text for text in convergence.weights_stay(sparse).missing)
        assert "every 2 steps" in sparsity.never_flipped(sparse).note


class TestCosts:
    def test_exponents_are_fitted_beside_the_theorems(self, small: Case) -> None:
        growths = list(cost_growths(growing(small), widths=(64, 128, 256), data=()))
        assert [(g.searcher.kind, g.searcher.index) for g in growths] == [
            (s.kind, s.index) for s in SEARCHERS if s.kind != "onion"
        ]
        assert [cost.queries for cost in growths[0].costs] == [16 * 64, 16 * 128, 16 * 256]
        lines = {(g.searcher.kind, g.searcher.index): cost_line(g) for g in growths}
        assert growths[0].exponent_of("queries") == pytest.approx(1.0)
        assert lines["scan", "neurons"].predicted is None
        assert lines["hsr", "data"].predicted == 0.8
        assert lines["hsr", "neurons"].holds == "not applicable"
        assert lines["grover", "neurons"].predicted == 0.9
        assert lines["grover", "neurons"].holds in {"yes", "no"}

    @pytest.mark.parametrize("d", [1, 2, 3])
    def test_layers_that_have_to_move_refute_nothing(self, d: int) -> None:
        """Theorem 6.1's structure takes O(log^2 m) for a point that moves, convex layers more: no "no" from those."""
        steep = (
            StepCost(1.0, 1.0, 1.0, 1.0, 0.1),
            StepCost(2.0, 2.0, 2.0, 1.0, 0.1),
            StepCost(4.0, 4.0, 4.0, 1.0, 0.1),
        )
        law = PowerLaw(1.0, 1.0, 0.0)
        holds = {
            one.index: cost_line(CostGrowth(one, d, (64, 128, 256), steep, law)).holds
            for one in SEARCHERS
            if one.kind == "onion"
        }
        assert holds == {"neurons": "not applicable", "data": "no"}

    def test_a_step_is_whole(self, small: Case) -> None:
        """Queries, updates and gradient are counted apart (Lemma 4.1), building once; the tree alone has updates."""
        wide = (256, 512, 1024)
        scan, _, tree, *_ = cost_growths(growing(small), widths=wide, data=(), searchers=SEARCHERS[:3])
        for growth in (scan, tree):
            document = growth.as_dict()
            for place, total in enumerate(document["operations"]):
                parts = [document[part][place] for part in ("queries", "updates", "gradient")]
                assert total == pytest.approx(sum(parts))
                assert parts[2] > 0
        assert scan.as_dict()["updates"] == scan.as_dict()["building"] == [0.0, 0.0, 0.0]
        assert min(tree.as_dict()["updates"]) > 0
        built = tree.as_dict()["building"]
        assert all(m * np.log2(m / 64) < spent < 3 * m * np.log2(m) for m, spent in zip(wide, built, strict=True))
        assert scan.as_dict()["gradient"] == pytest.approx(tree.as_dict()["gradient"])

    def test_the_rate_is_that_of_the_width_and_never_diverges(self, small: Case) -> None:
        (scan,) = cost_growths(growing(small), widths=(64, 256, 1024), data=(), searchers=SEARCHERS[:1])
        rates = [cost.rate for cost in scan.costs]
        assert rates[0] < rates[1] < rates[2], "the top of the kernel falls like Q(b)"
        alone = growing(small).spent(SEARCHERS[0], 256, 16)
        assert alone == scan.costs[1]

    def test_a_tree_over_the_data_has_more_than_a_leaf_of_them(self, small: Case) -> None:
        tree = [one for one in SEARCHERS if (one.kind, one.index) == ("hsr", "data")]
        width, data = cost_growths(growing(small), widths=(64, 128, 256), data=(64, 96, 160), searchers=tree)
        assert (width.fixed, data.variable, data.sizes) == (256, "n", (64, 96, 160))
        line = cost_line(data)
        assert (line.predicted, line.formula) == (1.0, "1")
        assert "fitted over n = 64..160 at m = 2048" in line.note

    def test_widths_of_ones_own(self, tmp_path: Path) -> None:
        result = check_theory(SMALL, widths=[64, 96, 128])
        assert result.growths[0].sizes == (64, 96, 128)
        with pytest.raises(ConfigError, match="3 or more different ones"):
            check_theory(SMALL, widths=[64, 64, 96])
        with pytest.raises(ConfigError, match="costs are not counted here"):
            check_theory(SMALL, costs=False, widths=[64, 96, 128])

    def test_the_true_k_grows_slower_than_the_papers(self) -> None:
        """The exponent fitted over 2^12..2^24 is 0.77, below 4/5."""
        assert fired_exponent([1 << e for e in range(12, 25, 4)]) == pytest.approx(0.77, abs=0.005)


class TestCommand:
    @pytest.fixture
    def config(self, tmp_path: Path) -> str:
        path = tmp_path / "config.toml"
        path.write_text(
            '[data]\nkind = "sphere"\nn = 6\ndim = 4\n[network]\nwidth = 64\n[training]\nsteps = 5\n', encoding="utf-8"
        )
        return str(path)

    def test_json_is_one_document(self, config: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["theory", config, "--json", "--no-costs"]) == 0
        captured = capsys.readouterr()
        document = json.loads(captured.out)
        assert set(document) == {"rows", "costs", "series", "repeated", "config", "versions", "notes"}
        assert len(document["rows"]) == len(PREPROCESSING)
        assert {row["holds"] for row in document["rows"]} <= {"yes", "no", "not applicable", "says nothing"}
        assert all(row["missing"] for row in document["rows"] if row["holds"] == "not applicable")
        assert captured.err.splitlines() == [f"hybrid-train: note: {note}" for note in document["notes"]]

    def test_the_table_has_every_line_and_reason(self, config: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["theory", config, "--quiet", "--no-costs"]) == 0
        text = capsys.readouterr().out
        for line in check_theory(config, costs=False).lines:
            assert line.quantity in text
            assert all(reason in text for reason in line.missing)

    def test_the_results_directory(self, config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        out = tmp_path / "results"
        assert main(["theory", config, "--quiet", "--no-costs", "--out", str(out)]) == 0
        names = sorted(path.name for path in (out / "figures").iterdir())
        assert names == [
            f"theory_{name}.{kind}" for name in ("convergence", "fired", "spectrum") for kind in ("json", "png")
        ]
        document = json.loads((out / "summary.json").read_text(encoding="utf-8"))
        drawn = json.loads((out / "figures" / "theory_convergence.json").read_text(encoding="utf-8"))
        assert drawn["errors"] == document["series"]["errors"]
        assert len(drawn["errors"]) == 6
        assert "theory_spectrum.png" in capsys.readouterr().out
        assert main(["theory", config, "--quiet", "--out", str(out)]) == 2
        assert "already holds results" in capsys.readouterr().err

    def test_bad_input(self, config: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["theory", config, "--set", "network.width=0"]) == 2
        assert "network.width=0" in capsys.readouterr().err

    def test_kernels_that_would_not_fit_are_refused(
        self, config: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("hybrid_train.support.memory.available_bytes", lambda: 5e7)
        assert main(["theory", config, "--set", "data.n=2000"]) == 2
        assert "kernels of 2000 x 2000" in capsys.readouterr().err

    def test_the_run_is_the_one_that_run_does(self) -> None:
        run = hybrid_train.run(SMALL)
        errors = check_theory(SMALL, costs=False).series["errors"]
        assert np.array(errors) / 2 == pytest.approx(np.array(run.losses), rel=1e-12)

    def test_the_finder_does_not_change_the_table(self) -> None:
        tables = [
            theory_text(check_theory(merged(SMALL, finder={"kind": kind}), costs=False).document())
            for kind in ("scan", "hsr", "skin")
        ]
        assert tables[0] == tables[1]
        assert tables[0] == tables[2]

    def test_one_step_and_nothing_fired_can_be_drawn(self) -> None:
        for sections in ({"training": {"steps": 0}}, {"network": {"threshold": 40.0}}, {"data": {"n": 1}}, FAST):
            series = check_theory(merged(SMALL, **sections), costs=False).series
            for plot in (plot_spectrum, plot_error, plot_movement, plot_fired_counts, plot_flips):
                axes = plot(series)
                axes.figure.canvas.draw()

    def test_exported_lazily(self) -> None:
        assert hybrid_train.check_theory is check_theory
        assert hybrid_train.shifted_kernel([[1.0, 0.0]], 0.0) == pytest.approx(0.5)

    @pytest.mark.parametrize(
        ("network", "names"),
        [
            ({"width": 64}, ["theory_convergence", "theory_fired", "theory_spectrum"]),
            ({"width": 64, "activation": "jump"}, ["theory_fired", "theory_pseudo_network"]),
            ({"kind": "deep", "widths": [8, 8]}, ["landscape", "theory_layers"]),
            ({"kind": "residual", "width": 8}, ["landscape", "theory_layers"]),
        ],
        ids=str,
    )
    def test_every_kind_of_run_has_one_subject_and_its_pictures(
        self, network: dict[str, Any], names: list[str], tmp_path: Path
    ) -> None:
        tables = {**SMALL, "network": network}
        assert sum(subject.fits(load_config(tables)) for subject in SUBJECTS) == 1
        figures = check_theory(tables, costs=False, out=tmp_path / "out").figures
        assert sorted(path.stem for path in figures if path.suffix == ".png") == names

    def test_pictures_are_drawn_by_the_check_and_not_by_what_its_numbers_are_called(self, tmp_path: Path) -> None:
        """Series of another kind's names beside its own do not change who draws."""
        config = load_config(SMALL)
        checked = check_two_layer(Request(config, Setting.of(config)))
        series = checked.series | {"landscape": [], "gap_on_inputs": []}
        (draw,) = checked.draws
        assert len(draw(tmp_path, {"series": series})) == 6

    def test_other_runs_are_refused(self) -> None:
        config = load_config(SMALL)
        other = replace(config, training=config.training.model_copy(update={"algorithm": "annealing"}))
        with pytest.raises(ConfigError, match=r"training\.algorithm='annealing'"):
            check_theory(other, costs=False)


class TestSgd:
    def lines(self, tables: Tables) -> dict[str, Line]:
        section = [line for line in check_theory(tables, costs=False).lines if line.section == sgd.SECTION]
        return {line.quantity: line for line in section}

    def test_the_lines_of_sgd_come_with_it_alone(self) -> None:
        assert not self.lines(SMALL)
        lines = self.lines(POLYNOMIAL)
        assert len(lines) == len(sgd.LINES)
        assert lines["R of the data"].holds == "says nothing"
        loss = lines["mean loss above the best polynomial's"]
        assert loss.predicted is not None
        assert loss.measured is not None
        assert [reason.split()[0] for reason in loss.missing] == ["the"]
        width = lines["pairs of neurons for that loss"]
        bound = lines["R of the data"].measured
        norm = float(loss.note.split()[2].rstrip(","))
        assert norm > 2.0 * (2 * np.pi) ** 0.5 * 128**0.2 * 0.99, "the kernel norm, not that of the coefficients"
        assert width.predicted == pytest.approx((2 * (bound or 0) * norm / loss.measured) ** 2 / 4, rel=0.02)
        assert width.measured == 64

    def test_gradient_descent_lemmas_are_not_applied(self) -> None:
        lines = {line.quantity: line for line in check_theory(POLYNOMIAL, costs=False).lines}
        assert "algorithm = sgd" in lines["||w_r(t) - w_r(0)||, largest"].missing[0]
        assert lines["fired at the start, mean over the data"].holds == "yes"

    def test_what_is_missing_is_said(self) -> None:
        for tables, reason in (
            (merged(POLYNOMIAL, training={"loss": "squared"}), "a convex Lipschitz loss is wanted"),
            (merged(POLYNOMIAL, network={"start": "gaussian"}), "zero output"),
            (merged(POLYNOMIAL, data={"targets": "signs"}), "known even polynomial"),
            (merged(SMALL, training=POLYNOMIAL["training"]), "known even polynomial"),
        ):
            line = self.lines(tables)["mean loss above the best polynomial's"]
            assert any(reason in text for text in line.missing)

    def test_fresh_examples_are_judged_by_held_out_ones(self) -> None:
        data = {"kind": "even_polynomial", "dim": 4, "degree": 2, "held_out": 30}
        result = check_theory(POLYNOMIAL | {"data": data}, costs=False)
        assert len(result.series["spectrum_cts"]) == 30

    def test_large_output_weights_are_said(self) -> None:
        case = check_theory(merged(SMALL, network={"output_weight": 3.0}), costs=False)
        lines = {line.quantity: line for line in case.lines}
        assert any("here 3" in reason for reason in lines["||err(t)||^2 at the last step"].missing)
        plain = {line.quantity: line for line in check_theory(SMALL, costs=False).lines}
        name = "||u(0)||^2, u_i = f(x_i) at the start"
        assert lines[name].predicted == pytest.approx(9 * (plain[name].predicted or 0))
        assert lines[name].measured == pytest.approx(9 * (plain[name].measured or 0))
