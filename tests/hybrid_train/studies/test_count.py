from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

import hybrid_train
from circuits.strategies import STRATEGIES
from hybrid_train.cli import main
from hybrid_train.crew import executors
from hybrid_train.errors import ConfigError, ResourceError
from hybrid_train.studies.count_rules import marked_counts, parse_widths
from tests.support.commands import error_lines
from tests.support.crews import Crew

KEYS = {"m", "k", "strategy", "trials", "oracle_calls_mean", "oracle_calls_sem", "predicted", "reference_known_k"}
KEYS |= {"missed", "until_last_hit_mean", "until_last_hit_sem", "verifications_mean", "bit_oracle_uses_mean", "scan"}
KEYS |= {"paper_m_9_10", "true_k_line", "delta", "index"}


class TestRules:
    @pytest.mark.parametrize(
        ("text", "widths"),
        [
            ("1024", [1024]),
            ("2^20", [1 << 20]),
            ("2^3..2^6", [8, 16, 32, 64]),
            ("8..32", [8, 16, 32]),
            ("100, 2^10..2^11,7", [100, 1024, 2048, 7]),
            ("1", [1]),
        ],
    )
    def test_widths(self, text: str, widths: list[int]) -> None:
        assert parse_widths(text) == widths

    @pytest.mark.parametrize("text", ["", "0", "2^41", "a", "2^6..2^3", "100..200", "1..", "2^", "-5", "2^99999999"])
    def test_bad_widths_are_refused(self, text: str) -> None:
        with pytest.raises(ConfigError, match="widths="):
            parse_widths(text)

    def test_counts(self) -> None:
        widths = [1024, 4096, 65536]
        assert marked_counts(None, widths) == [49, 140, 1153]
        assert marked_counts(7, widths) == marked_counts("7", widths) == [7, 7, 7]
        assert marked_counts("1,2,3", widths) == marked_counts([1, 2, 3], widths) == [1, 2, 3]
        assert marked_counts("m^0.8", widths) == [256, 776, 7132]
        assert marked_counts("0.25m", widths) == [256, 1024, 16384]
        assert marked_counts(lambda width: width // 2, widths) == [512, 2048, 32768]

    @pytest.mark.parametrize("rule", ["1,2", "m^", "m^2", "2m", "-1", "x", 1025])
    def test_bad_counts_are_refused(self, rule: int | str) -> None:
        with pytest.raises(ConfigError, match="counts="):
            marked_counts(rule, [1024, 4096, 65536])


def test_rows_hold_what_was_measured_beside_what_was_expected() -> None:
    result = hybrid_train.count_oracle_calls([256, 1000], list(STRATEGIES), trials=300, delta=0.01)
    assert len(result.rows) == 2 * len(STRATEGIES)
    assert all(set(row) >= KEYS for row in result.rows)
    for row in result.rows:
        assert row["missed"] <= 20
        assert row["oracle_calls_sem"] >= 0.0
        assert row["scan"] == row["m"]
        assert row["true_k_line"] == pytest.approx(math.sqrt(row["m"] * row["k"]))
    known = next(row for row in result.rows if row["strategy"] == "known_k")
    assert known["until_last_hit_mean"] == pytest.approx(known["reference_known_k"], rel=0.05)
    assert known["oracle_calls_mean"] == pytest.approx(known["predicted"], rel=0.05)
    assert result.notes == []


def test_fits_recover_the_exponents_of_the_lines() -> None:
    result = hybrid_train.count_oracle_calls([2**e for e in range(16, 24, 2)], ["known_k"], trials=4, counts="m^0.8")
    fits = {fit["strategy"]: fit["exponent"] for fit in result.fits}
    assert fits["scan"] == pytest.approx(1.0)
    assert fits["paper_m_9_10"] == pytest.approx(0.9)
    assert fits["true_k_line"] == pytest.approx(0.9, abs=1e-3)
    assert fits["known_k"] == pytest.approx(0.9, abs=0.03)


def test_data_index_counts_a_whole_step() -> None:
    (row,) = hybrid_train.count_oracle_calls([512], ["adaptive"], index="data", n=32, trials=500).rows
    assert (row["items"], row["searches"], row["scan"]) == (32, 512, 32 * 512)
    assert row["k"] == pytest.approx(32 * 0.0571, rel=0.05)
    assert row["total_calls_mean"] == pytest.approx(512 * row["oracle_calls_mean"])


def test_data_index_tells_the_first_step_from_later_ones_and_what_nothing_costs() -> None:
    rows = hybrid_train.count_oracle_calls([4096], ["adaptive", "warm"], index="data", n=16, trials=4000).rows
    share = rows[0]["k"] / 16
    for row in rows:
        assert row["empty_share"] == pytest.approx((1.0 - share) ** 16)
        assert row["later_searches"] == pytest.approx(4096 * (1.0 - row["empty_share"]))
        assert row["empty_calls_mean"] > math.sqrt(16)  # Lemma G.6 charges nothing for such a search
        assert row["lemma_g6_calls"] < 4096 * 16 * math.sqrt(share)  # Jensen's inequality
        assert row["later_total_calls_mean"] < row["first_total_calls_mean"]
    adaptive, warm = rows
    assert adaptive["first_total_calls_mean"] == pytest.approx(adaptive["total_calls_mean"])
    assert warm["first_total_calls_mean"] == pytest.approx(adaptive["first_total_calls_mean"], rel=0.05)
    assert warm["later_total_calls_mean"] < adaptive["later_total_calls_mean"]


@pytest.mark.parametrize("index", ["neurons", "data"])
def test_all_pairs_at_once_are_one_search(index: Any) -> None:
    (row,) = hybrid_train.count_oracle_calls([512], ["adaptive"], index=index, n=32, scope="pairs", trials=50).rows
    assert (row["items"], row["searches"], row["scan"]) == (32 * 512, 1, 32 * 512)
    assert row["k"] == pytest.approx(32 * 512 * 0.0571, rel=0.02)
    assert row["oracle_calls_mean"] == pytest.approx(row["predicted"], rel=0.3)
    apart = hybrid_train.count_oracle_calls([512], ["adaptive"], trials=50, delta=1e-6 / 32).rows[0]
    assert row["total_calls_mean"] < 32 * apart["total_calls_mean"] - 25 * apart["certificate_calls_mean"]


def test_every_strategy_and_line_has_its_formula() -> None:
    result = hybrid_train.count_oracle_calls([64], list(STRATEGIES), trials=2)
    told = {one["name"]: one["formula"] for one in result.document()["formulas"]}
    assert {f"predicted: {name}" for name in STRATEGIES} < set(told)
    assert {"N", "k", "scan", "sqrt(mk)", "m^(9/10)", "certificate"} < set(told)
    assert "Lemma G.6" not in told


@pytest.mark.parametrize("counts", ["0", "1m", "1"])
@pytest.mark.parametrize("width", [1, 3, 1000])
def test_corners(counts: str, width: int) -> None:
    result = hybrid_train.count_oracle_calls([width], list(STRATEGIES), counts=counts, trials=5)
    assert all(row["missed"] == 0 for row in result.rows)
    json.dumps(result.document(), allow_nan=False)


def test_same_seed_same_counts() -> None:
    first, again, other = (
        hybrid_train.count_oracle_calls([500], ["bbht"], trials=20, seed=seed).rows for seed in (1, 1, 2)
    )
    assert first == again != other


class TestCommand:
    def test_formulas_are_printed_below_the_table(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["count", "--widths", "64", "--index", "data", "--trials", "9", "--formula"]) == 0
        text = capsys.readouterr().out
        assert "later steps" in text
        assert "Lemma G.6" in text.split("closed forms")[1]
        assert main(["count", "--widths", "64", "--trials", "9", "--scope", "pairs", "--n", "4"]) == 0
        assert "closed forms" not in capsys.readouterr().out

    def test_json_is_one_document(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["count", "--widths", "2^30", "--counts", "500", "--trials", "2", "--json"]) == 0
        captured = capsys.readouterr()
        document = json.loads(captured.out)
        assert captured.err == ""
        assert {row["strategy"] for row in document["rows"]} == {"known_k", "bbht", "adaptive", "warm"}
        assert all(row["m"] == 1 << 30 for row in document["rows"])

    def test_table_and_picture(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        out = tmp_path / "out"
        arguments = ["count", "--widths", "2^6..2^8", "--trials", "4", "--all", "--out", str(out)]
        assert main(arguments) == 0
        text = capsys.readouterr().out
        assert "calls ~ m^" in text
        assert "paper_m_9_10" in text
        assert (out / "figures" / "oracle_calls.png").stat().st_size > 5000
        drawn = json.loads((out / "figures" / "oracle_calls.json").read_text())
        assert len(drawn["points"]) == 12
        assert json.loads((out / "summary.json").read_text())["rows"]
        assert main(arguments) == 2
        assert "already holds results" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--strategies", "adaptve"], "did you mean 'adaptive'"),
            (["--strategies", "bbht,bbht"], "different names"),
            (["--trials", "1"], "trials=1"),
            (["--delta", "0"], "delta=0.0"),
            (["--delta", "nan"], "delta=nan"),
            (["--index", "rows"], "index='rows'"),
            (["--scope", "all"], "scope='all'"),
            (["--n", "8"], "--scope pairs"),
            (["--index", "data", "--counts", "3"], "leave it out"),
            (["--n", "0", "--index", "data"], "n=0"),
            (["--newcomers", "2"], "newcomers=2.0"),
            (["--counts", "99", "--widths", "64"], "from 0 to m=64"),
            (["--seed", "-1"], "seed=-1"),
            (["--set", "run.seed=1"], "--along"),
        ],
    )
    def test_bad_input_is_one_line(self, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
        (line,) = error_lines(["count", "--widths", "64", *arguments], capsys)
        assert words in line


HUGE = 10**30


@pytest.mark.parametrize(
    ("widths", "options", "name"),
    [
        ([HUGE], {}, "widths"),
        ([-1], {}, "widths"),
        ([math.nan], {}, "widths"),
        ([math.inf], {}, "widths"),
        ([True], {}, "widths"),
        (["64"], {}, "widths"),
        ([64.5], {}, "widths"),
        ([64], {"counts": HUGE}, "counts"),
        ([64], {"counts": math.nan}, "counts"),
        ([64], {"counts": True}, "counts"),
        ([64], {"counts": f"m^{HUGE}"}, "counts"),
        ([64], {"counts": "1" + "0" * 400 + "m"}, "counts"),
        ([64], {"counts": [1.5]}, "counts"),
        ([64], {"counts": lambda width: math.nan}, "counts"),
        ([64], {"trials": HUGE}, "trials"),
        ([64], {"trials": 2.5}, "trials"),
        ([64], {"trials": math.nan}, "trials"),
        ([64], {"delta": 5e-324}, "delta"),
        ([64], {"delta": True}, "delta"),
        ([64], {"delta": math.nan}, "delta"),
        ([64], {"delta": "0.1"}, "delta"),
        ([64], {"seed": True}, "seed"),
        ([64], {"seed": 0.5}, "seed"),
        ([64], {"index": "data", "n": HUGE}, "n"),
        ([64], {"index": "data", "n": True}, "n"),
        ([64], {"newcomers": math.nan}, "newcomers"),
        ([64], {"newcomers": True}, "newcomers"),
    ],
)
def test_hostile_arguments_are_named(widths: list[Any], options: dict[str, Any], name: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{name}(\[0\])?="):
        hybrid_train.count_oracle_calls(widths, ["known_k"], **options)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_least_delta_is_kept_and_counts_stay_counts(strategy: str) -> None:
    (row,) = hybrid_train.count_oracle_calls([64], [strategy], counts=3, trials=4, delta=1e-20).rows
    assert row["missed"] == 0
    assert 0 < row["oracle_calls_mean"] < 1e5
    assert 0 < row["predicted"] < 1e5


def test_results_say_how_good_a_prediction_is(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["count", "--widths", "64", "--trials", "4", "--strategies", "known_k,bbht,coupon"]
    assert main(asked) == 0
    printed = capsys.readouterr().out
    for name, said in {"known_k": "the mean", "bbht": "within 5%", "coupon": "a leading term alone"}.items():
        assert f"{name}: predicted is {said}" in printed
    assert main([*asked, "--all"]) == 0
    assert "predicted: known_k the mean, bbht within 5%, coupon a leading term alone" in capsys.readouterr().out


def test_a_dense_count_is_predicted() -> None:
    (row,) = hybrid_train.count_oracle_calls([1024], ["coupon"], counts="1m", trials=100).rows
    assert row["predicted"] == pytest.approx(row["oracle_calls_mean"], rel=0.5)


class TestWorkers:
    def test_rows_do_not_depend_on_who_counts_them(self, tmp_path: Path) -> None:
        asked = ([64, 256], ["adaptive", "bbht"])
        alone = hybrid_train.count_oracle_calls(*asked, trials=20)
        found = hybrid_train.count_oracle_calls(*asked, trials=20, workers=2, out=tmp_path / "out")
        assert found.rows == alone.rows
        assert len((tmp_path / "out" / "rows.jsonl").read_text().splitlines()) == 4

    def test_what_fails_is_said_and_the_others_are_kept(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        asked, out = ([64, 256], ["adaptive", "bbht"]), tmp_path / "out"
        with monkeypatch.context() as patched:
            patched.setattr(executors, "crew_of", lambda *_: Crew({1: 99}))
            with pytest.raises(ResourceError, match=r"m=64 bbht: its worker died, 2 times; .* --resume goes on"):
                hybrid_train.count_oracle_calls(*asked, trials=20, workers=2, out=out)
        assert len((out / "rows.jsonl").read_text().splitlines()) == 3
        again = hybrid_train.count_oracle_calls(*asked, trials=20, resume=out)
        assert again.rows == hybrid_train.count_oracle_calls(*asked, trials=20).rows

    def test_a_crew_that_cannot_be_had_leaves_no_directory(self, tmp_path: Path) -> None:
        out = tmp_path / "out"
        with pytest.raises(ConfigError, match="with a scheduler the cluster has its own"):
            hybrid_train.count_oracle_calls([64], ["adaptive"], workers=2, scheduler="tcp://127.0.0.1:1", out=out)
        assert not out.exists()

    def test_along_a_run_there_is_nothing_to_share(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["count", "--along", "examples/quickstart.toml", "--workers", "2"]) == 2
        assert "--workers 2: no effect: with --along each step follows from the one before" in capsys.readouterr().err
