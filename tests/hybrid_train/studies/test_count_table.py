"""The tables of ``count``: short by default, whole on request."""

from __future__ import annotations

from typing import Any

import pytest

from hybrid_train.studies.count import count_oracle_calls
from hybrid_train.studies.count_table import count_text


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    widths = [2**power for power in range(4, 18)]
    return count_oracle_calls(widths, ["known_k", "adaptive"], trials=2, counts="3").document()


def test_a_block_for_each_strategy_with_a_few_powers_of_two(document: dict[str, Any]) -> None:
    blocks = count_text(document).split("\n\n")
    assert [block.split(":")[0] for block in blocks[:2]] == ["known_k", "adaptive"]
    for block in blocks[:2]:
        rows = [line.split() for line in block.split("\n")[2:]]
        assert len(rows) <= 6
        assert all(row[0].startswith("2^") and row[-2] == row[0] for row in rows)
        assert rows[-1][0] == "2^17"
    assert blocks[-1].endswith("more columns and fits: --all")
    assert "more widths" in blocks[-1]


def test_all_of_it_is_there_on_request(document: dict[str, Any]) -> None:
    text = count_text(document, whole=True)
    table = text.split("\n\n")[0].split("\n")
    assert len(table) == 1 + len(document["rows"])
    assert "until last hit" in table[0]
    assert "calls ~ m^" in text


def test_large_powers_of_two_are_written_as_such() -> None:
    found = count_oracle_calls([2**30, 3 * 10**9], ["known_k"], trials=2, counts="2").document()
    for whole in (False, True):
        text = count_text(found, whole=whole)
        assert "2^30" in text
        assert "1.0737e+09" not in text
        assert "3.0000e+09" in text
    assert "more widths" not in count_text(found)
