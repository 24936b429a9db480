"""The lines of ADV on small runs: numbers recomputed, assumptions that fail said, and the command around them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hybrid_train
from classical.training import Training, two_layer_dynamics
from hybrid_train.adversaries import PGD, L2Ball, WorstCase
from hybrid_train.cli import main
from hybrid_train.data import sphere
from hybrid_train.data.padding import with_last_coordinate, with_one
from hybrid_train.errors import ConfigError
from hybrid_train.finder import APPROXIMATE
from hybrid_train.finder.registry import make_finder
from hybrid_train.network.adversarial import adversarial_network
from hybrid_train.theory import Line, TheoryCheck, check_theory
from hybrid_train.theory.lines import adversarial as adversarial_lines
from hybrid_train.theory.lines import regret
from hybrid_train.theory.lines import robust as robust_lines
from hybrid_train.theory.lines.adversarial import AdversarialCase
from hybrid_train.theory.predictions.pseudo_network import random_inputs, starting_point
from hybrid_train.theory.predictions.robustness import RobustLoss
from hybrid_train.training.batches import FullBatch
from hybrid_train.training.losses import make_loss

COUPLING = "distance of the gradients of f and g, norm (2, 1)"


def case_of(rate: float, fraction: float = 0.05) -> AdversarialCase:
    network, inputs = adversarial_network(4000, 5, fraction=fraction, seed=2), random_inputs(5, 5, seed=1)
    start, ball, loss = starting_point(network), L2Ball(0.05, kept=2), make_loss("absolute")
    targets = np.ones((5, 1))
    dynamics = two_layer_dynamics(network, inputs, make_finder("scan"), reach=0.05)
    adversary = PGD(ball, steps=2)
    list(Training(dynamics, FullBatch(targets), loss, steps=3, learning_rate=rate, adversary=adversary))
    slope = loss.derivative(network.predict(inputs), targets) / 5
    return AdversarialCase(start, network, inputs, random_inputs(50, 5, seed=3), slope)


def test_the_lines_hold_on_a_gentle_run() -> None:
    case = case_of(1e-4)
    lines = {line.quantity.split(",")[0]: line for line in adversarial_lines.adversarial_lines(case)}
    w0, w, tau = case.start[:], case.network.weights[:], case.network.threshold
    then, now = (case.inputs @ v.T > tau for v in (w0, w))
    means = [line for line in adversarial_lines.adversarial_lines(case) if line.quantity.endswith("mean")]
    assert means[0].measured == then.sum(axis=1).mean()
    assert means[0].predicted == pytest.approx(200)
    assert lines["neurons that changed sides for some datum since the start"].measured == (then != now).any(0).sum()
    assert {line.holds for line in lines.values()} <= {"yes", "says nothing", "not applicable"}
    gap = next(line for name, line in lines.items() if name.startswith("largest |f - g|"))
    moved = np.linalg.norm(w - w0, axis=1).max()
    assert gap.predicted == pytest.approx(max(1.0, moved * 4000**0.6) ** 2 * 4000**-0.1)
    assert "sampled" in gap.note
    assert any("tau = O(1/m) is wanted" in reason for reason in gap.missing)
    coupling = lines["distance of the gradients of f and g"]
    assert coupling.predicted == pytest.approx(5 * 4000 ** (27 / 40))
    assert lines["max_r ||w_r(t) - w_r(0)||"].holds == "yes"


def test_what_fails_is_said() -> None:
    case = case_of(0.05)
    lines = {line.quantity: line for line in adversarial_lines.adversarial_lines(case)}
    moved_far = lines["max_r ||w_r(t) - w_r(0)||"]
    assert (moved_far.holds, moved_far.satisfied) == ("not applicable", False)
    gap = next(line for name, line in lines.items() if name.startswith("largest |f - g|"))
    moved = lines["max_r ||w_r(t) - w_r(0)||"].measured or 0.0
    assert gap.predicted == pytest.approx((moved * 4000**0.6) ** 2 * 4000**-0.1), "K is that of the movement"
    assert any("above m^(-15/24)" in reason for reason in lines[COUPLING].missing)


def test_a_bound_above_all_neurons_says_nothing() -> None:
    """2 m exp(-m tau^2 / 4) is below m from the tau on at which 12 % fire."""
    dense, sparse = case_of(1e-4), case_of(1e-4, fraction=0.005)
    name = "neurons activated for a datum at the start, most"
    found = [
        {line.quantity: line.holds for line in adversarial_lines.adversarial_lines(case)}[name]
        for case in (case_of(1e-4, fraction=0.3), dense, sparse)
    ]
    assert found == ["says nothing", "yes", "yes"]


JUMP: dict[str, Any] = {"width": 800, "activation": "jump", "fraction": 0.1}
TABLES: dict[str, Any] = {
    "data": {"kind": "sphere", "n": 6, "dim": 4},
    "network": JUMP,
    "training": {"algorithm": "adversarial", "steps": 6, "loss": "logistic", "learning_rate": 0.05},
    "adversary": {"norm": "l2", "rho": 0.1, "steps": 3},
}
GAP, WORST, SEARCHED = (
    "gamma-separability of the data",
    "mean robust loss at the last step",
    "mean robust loss at the last step, of the worst there is",
)


def lines_of(result: TheoryCheck, section: str) -> dict[str, Line]:
    return {line.quantity: line for line in result.lines if line.section == section}


class TestChecked:
    @pytest.mark.parametrize("network", [JUMP, {"width": 256}])
    def test_the_losses_are_those_of_the_run(self, network: dict[str, Any]) -> None:
        tables = TABLES | {"network": network}
        result, row = check_theory(tables, costs=False), hybrid_train.run(tables).row
        lines = lines_of(result, robust_lines.SECTION)
        assert lines[WORST].measured == pytest.approx(row["final_loss"] / 6)
        assert lines[WORST].predicted == pytest.approx(row["final_clean_loss"] / 6)
        assert lines[WORST].holds == "says nothing"
        drawn = result.series["robustness"]
        assert drawn["robust"] == pytest.approx(np.array(row["losses"]) / 6)
        assert drawn["clean"] == pytest.approx(np.array(row["clean_losses"]) / 6)
        assert bool(lines_of(result, adversarial_lines.SECTION)) == (network is JUMP)

    def test_separability_is_that_of_the_inputs_the_network_takes(self) -> None:
        points = sphere(6, 4, 0).inputs
        lifted = with_one(with_last_coordinate(points, 0.5))
        for network, inputs in ((JUMP, lifted), ({"width": 64}, points)):
            line = lines_of(check_theory(TABLES | {"network": network}, costs=False), robust_lines.SECTION)[GAP]
            nearest = min(np.linalg.norm(inputs[i] - inputs[j]) for i in range(6) for j in range(i))
            assert line.measured == pytest.approx(nearest * (nearest - 0.2))
            assert line.holds == "yes"

    def test_other_balls_and_no_balls(self) -> None:
        wide = check_theory(TABLES | {"adversary": {"norm": "linf", "rho": 0.05}}, costs=False)
        assert wide.series["robustness"]["rho"] == pytest.approx(0.05 * 2)
        assert "norm linf" in lines_of(wide, robust_lines.SECTION)[GAP].note
        none = check_theory(TABLES | {"adversary": {"kind": "none"}}, costs=False)
        assert none.series["robustness"]["rho"] == 0.0
        assert none.series["robustness"]["robust"] == none.series["robustness"]["clean"]

    def test_a_network_that_jumps_needs_no_adversary(self) -> None:
        for algorithm in ("gd", "sgd"):
            tables = {name: table for name, table in TABLES.items() if name != "adversary"}
            tables["training"] = TABLES["training"] | {"algorithm": algorithm}
            if algorithm == "sgd":
                tables["training"]["batch_size"] = 3
            result = check_theory(tables, costs=False)
            assert "robustness" not in result.series
            lines = lines_of(result, adversarial_lines.SECTION)
            assert set(lines) == {line.quantity for line in result.lines}
            moved = lines["max_r ||w_r(t) - w_r(0)||"].measured
            assert moved == result.series["movement"][-1] > 0, "at W(T), whatever SGD would return"

    def test_the_finder_does_not_change_the_table(self) -> None:
        documents = [
            check_theory(TABLES | {"finder": {"kind": kind}}, costs=False).document()
            for kind in ("scan", "hsr", "skin")
        ]
        for document in documents[1:]:
            for mine, theirs in zip(document["rows"], documents[0]["rows"], strict=True):
                assert mine["holds"] == theirs["holds"]
                assert mine["measured"] == pytest.approx(theirs["measured"], rel=1e-9)

    def test_few_steps_are_looked_at_where_each_takes_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("hybrid_train.theory.jumping_check._WORK", 1.0)
        result = check_theory(TABLES, costs=False)
        assert result.series["steps"] == [0, 6]
        assert len(result.series["robustness"]["steps"]) == 7

    def test_edges(self) -> None:
        alone = check_theory(TABLES | {"data": {"kind": "sphere", "n": 1, "dim": 3}}, costs=False)
        assert lines_of(alone, robust_lines.SECTION)[GAP].missing == ("one datum has no separation",)
        start = check_theory(TABLES | {"training": TABLES["training"] | {"steps": 0}}, costs=False)
        assert lines_of(start, regret.SECTION)["mean robust loss, average over steps 0 .. T - 1"].measured is None

    @pytest.mark.parametrize("network", [JUMP, {"width": 256}])
    def test_the_worst_case_is_searched_for_in_few_dimensions(self, network: dict[str, Any]) -> None:
        lifted = network is JUMP
        flat = TABLES | {"network": network, "data": {"kind": "sphere", "n": 4, "dim": 3}}
        result = check_theory(flat, costs=False)
        line, drawn = lines_of(result, robust_lines.SECTION)[SEARCHED], result.series["robustness"]
        assert line.holds == "says nothing"
        assert line.measured is not None
        assert drawn["worst"] <= drawn["worst_bound"] == line.predicted
        assert drawn["worst_bound"] <= drawn["worst"] + 3e-4
        assert drawn["worst"] >= line.measured - 3e-4
        deep = lines_of(check_theory(TABLES | {"network": network}, costs=False), robust_lines.SECTION)[SEARCHED]
        assert deep.missing == ("the worst case is searched for in balls of up to three dimensions",)
        assert lifted == any(line.section == regret.SECTION for line in result.lines)

    def test_deep_networks_under_an_adversary_are_refused(self) -> None:
        deep = {"kind": "deep", "widths": [8, 8]}
        with pytest.raises(ConfigError, match=r"training\.algorithm='adversarial': expected one of gd, sgd; .*'deep'"):
            check_theory(TABLES | {"network": deep}, costs=False)


def test_a_weak_adversary_and_a_wide_ball_are_said() -> None:
    case = robust_lines.RobustCase(np.eye(3), 0.9, "l2", [RobustLoss(1.0, 0.5)])
    separable, worst, searched = (line(case) for line in robust_lines.LINES)
    assert (separable.satisfied, separable.holds) == (False, "not applicable")
    assert "1.41 apart, 2 rho is 1.8" in separable.missing[0]
    assert worst.holds == "not applicable"
    assert "lowered the loss" in worst.missing[0]
    assert searched.holds == "not applicable"
    found = WorstCase(np.eye(3), np.full(3, 0.2), np.full(3, 0.3), 9)
    lying = robust_lines.found_of_worst(replace(case, worst=found))
    assert lying.predicted == pytest.approx(0.3)
    assert lying.holds == "no"
    blind = replace(case, worst=found, promise=APPROXIMATE)
    for line in (robust_lines.found_of_worst(blind), robust_lines.robust_above_clean(blind)):
        assert line.missing[0] == "all active neurons are wanted, here the finder's sets are approximate"


@pytest.mark.parametrize(
    ("network", "names"),
    [
        (JUMP, ["fired", "pseudo_network", "robustness"]),
        ({"width": 64}, ["convergence", "fired", "robustness", "spectrum"]),
    ],
)
def test_the_command_draws(
    network: dict[str, Any], names: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, out = tmp_path / "config.toml", tmp_path / "out"
    tables = TABLES | {"network": network}
    lines = [
        line
        for name, table in tables.items()
        for line in (f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items()))
    ]
    config.write_text("\n".join(lines), encoding="utf-8")
    assert main(["theory", str(config), "--quiet", "--no-costs", "--out", str(out)]) == 0
    assert robust_lines.SECTION in capsys.readouterr().out
    found = sorted(path.stem.removeprefix("theory_") for path in (out / "figures").glob("*.png"))
    assert found == names
    document = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    drawn = json.loads((out / "figures" / "theory_robustness.json").read_text(encoding="utf-8"))
    assert drawn == document["series"]["robustness"]
