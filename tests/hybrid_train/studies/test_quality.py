"""Every number of a study says how good it is, and no flag is for a number that there is not."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest

from hybrid_train import count_oracle_calls
from hybrid_train.experiments.quality import Quality, number_paths, qualities, quality_text
from hybrid_train.studies.count_along import count_along
from hybrid_train.studies.quality import ALONG, COUNT, RESOURCES
from hybrid_train.studies.resources import OracleSizes, oracle_resources

SAYS_NO_MORE = {"options", "versions", "quality", "config"}
"""Settings, and what is no number of the study."""


def unflagged(document: Any) -> list[str]:
    document = json.loads(json.dumps(document))
    part = {key: value for key, value in document.items() if key not in SAYS_NO_MORE}
    return [path for path in number_paths(part) if path not in document["quality"]]


@pytest.mark.parametrize("options", [{}, {"index": "data", "n": 8}, {"scope": "pairs", "n": 4}])
def test_every_number_of_count_has_a_flag(options: dict[str, Any]) -> None:
    document = count_oracle_calls([16, 32, 64], ["known_k", "adaptive"], trials=3, **options).document()
    assert unflagged(document) == []
    assert set(document["quality"].values()) == set(get_args(Quality))
    document["rows"][0]["new"] = 1.0
    assert unflagged(document) == ["rows[].new"]


def test_every_number_along_a_run_has_a_flag() -> None:
    config = {"data": {"kind": "sphere", "n": 4, "dim": 3}, "network": {"width": 32}, "training": {"steps": 1}}
    document = count_along(config, ["adaptive", "bbht"]).document()
    assert unflagged(document) == []
    assert set(document["quality"]) == set(ALONG)


def test_every_number_of_resources_has_a_flag() -> None:
    document = oracle_resources(OracleSizes(16, 2, 3, pairs=4))
    assert [path for path in unflagged(document) if not path.startswith("rows[]")] == []
    assert {row["quality"] for row in document["rows"]} == {"expected", "exact"}
    built = [row for row in document["rows"] if row["source"] == "built circuit" and row["per"] != "query"]
    assert [row["quality"] for row in built] == ["exact", "exact"]


def test_a_line_of_its_own_goes_before_one_for_many() -> None:
    document = {"pairs": {"fired": 1.0, "index_qubits": 3, "name": "x", "built": True}}
    assert qualities(RESOURCES, document) == {"pairs.fired": "expected", "pairs.index_qubits": "exact"}


def test_all_flags_are_known_words() -> None:
    assert set(COUNT.values()) | set(ALONG.values()) | set(RESOURCES.values()) <= set(get_args(Quality))
    assert quality_text({"a": "exact", "b": "bound", "c": "exact"}) == "exact: a, c; bound: b"
