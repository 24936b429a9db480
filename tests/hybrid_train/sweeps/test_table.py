"""The table of a sweep for people."""

from __future__ import annotations

from hybrid_train.sweeps.table import sweep_text

RUN = {
    "network.width": 8,
    "run.seed": 0,
    "finder": "scan",
    "inner_products": 1234,
    "nodes_visited": 0,
    "oracle_calls": 0,
}


def test_a_table_of_ones_own_shows_what_it_scores_on_held_out_rows() -> None:
    scored = RUN | {"final_loss": 1.0, "returned_loss": 1.0, "held_out_loss": 0.5, "held_out_accuracy": 0.875}
    failed = RUN | {"run.seed": 1, "error": "diverged"}
    text = sweep_text({"grid": {"network.width": [8]}, "rows": [scored, failed]}).splitlines()
    assert text[0].split("  ")[:3] == ["network.width", "run.seed", "finder"]
    assert "held-out accuracy" in text[0]
    assert "0.875" in text[1]
    assert "failed" in text[2]
    assert "index" not in text[0]


def test_nothing_held_out_is_no_column() -> None:
    text = sweep_text({"grid": {"network.width": [8]}, "rows": [RUN | {"final_loss": 1.0, "returned_loss": 1.0}]})
    assert "held-out" not in text
    assert "returned" not in text


def test_a_key_that_is_true_or_false_stays_a_word() -> None:
    rows = [RUN | {"run.proof": proof, "final_loss": 1.0, "returned_loss": 1.0} for proof in (True, False)]
    text = sweep_text({"grid": {"run.proof": [True, False]}, "rows": rows}).splitlines()
    assert [line.split()[0] for line in text[1:]] == ["True", "False"]
