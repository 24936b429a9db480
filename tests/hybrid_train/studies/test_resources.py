from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hybrid_train.cli import main
from hybrid_train.errors import ConfigError, ResourceError
from hybrid_train.studies.physical import advantage_cap, time_text
from hybrid_train.studies.resources import (
    COUNTED,
    EXPECTED,
    THIS_QUERY,
    OracleSizes,
    oracle_resources,
    parse_width,
    resources_text,
)
from tests.support.commands import error_lines

FIGURES = ("logical_qubits", "toffoli", "t", "rotations", "toffoli_depth")


def figures(document: dict[str, Any], source: str) -> dict[str, list[int]]:
    return {row["per"]: [row[name] for name in FIGURES] for row in document["rows"] if row["source"] == source}


@pytest.mark.parametrize(
    "sizes",
    [
        OracleSizes(64, 4, 4),
        OracleSizes(1000, 8, 4),
        OracleSizes(256, 3, 4, 6, loading="coordinate"),
        OracleSizes(256, 3, 4, swap=8),
        OracleSizes(100, 2, 3, loading="coordinate", spare=20),
        OracleSizes(1, 2, 2),
        OracleSizes(12, 1, 2),
        OracleSizes(2, 1, 2),
        OracleSizes(3, 2, 2, 5, loading="coordinate"),
    ],
)
def test_the_closed_form_of_a_query_is_what_is_counted_in_its_circuit(sizes: OracleSizes) -> None:
    document = oracle_resources(sizes)
    counted = figures(document, COUNTED)
    assert counted == figures(document, THIS_QUERY)
    assert list(counted) == ["oracle call", "Grover iteration", "query"]
    erased_by_gates = oracle_resources(replace(sizes, spare=sizes.spare + 1))
    assert counted["oracle call"][0] != figures(erased_by_gates, COUNTED)["oracle call"][0]


def test_the_closed_form_bounds_the_fourier_circuit() -> None:
    document = oracle_resources(OracleSizes(64, 3, 4, adder="draper"))
    closed, counted = figures(document, THIS_QUERY), figures(document, COUNTED)
    for per, (qubits, toffoli, t_count, rotations, _) in counted.items():
        assert qubits == closed[per][0]
        assert toffoli == pytest.approx(closed[per][1], rel=0.2)
        assert rotations <= closed[per][3]
        assert t_count <= 1.2 * closed[per][2]
    assert any(note.startswith("draper: ") for note in document["notes"])


def test_a_query_is_its_calls_times_an_iteration() -> None:
    document = oracle_resources(OracleSizes(1 << 20, 8, 4))
    expected = figures(document, EXPECTED)
    calls = document["search"]["oracle_calls"]
    qubits, toffoli, t_count, rotations, depth = expected["query"]
    iteration = expected["Grover iteration"]
    assert (qubits, toffoli, depth) == (iteration[0], calls * iteration[1], calls * iteration[4])
    certificate, precision = document["search"]["certificate_calls"], document["search"]["rotation_precision"]
    assert rotations == certificate * (3 + 3)  # found neurons are unmarked: a live bit controls the turn
    assert precision == pytest.approx(1e-3 / rotations)
    assert t_count == 4 * toffoli + rotations * math.ceil(3 * math.log2(1 / precision))
    assert expected["Grover iteration"][1] == expected["oracle call"][1] + 18  # the reflection takes n - 2
    assert document["search"]["fired"] == pytest.approx(9716, abs=1)
    assert document["search"]["memory_operations"] == 2 * 8 * calls
    assert {row["source"] for row in document["rows"]} == {EXPECTED}
    assert "not built" in document["notes"][0]


def test_a_million_neurons_take_no_circuit_library() -> None:
    code = (
        "import sys\nfrom hybrid_train.cli import main\n"
        "assert main(['resources', '--width', '2^20', '--dim', '784', '--bits', '8', '--quiet', '--json']) == 0\n"
        "print(sorted({'qiskit', 'matplotlib'} & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "[]\n")
    assert json.loads(done.stdout)["options"]["width"] == 1 << 20


class TestCommand:
    SIZES = ("resources", "--dim", "2", "--bits", "3")

    def test_the_table_has_closed_form_and_count_beside_each_other(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main([*self.SIZES, "--width", "2^5", "--quiet"]) == 0
        captured = capsys.readouterr()
        lines = captured.out.splitlines()
        assert lines[0].startswith("m = 32 neurons, d = 2, weights of 3 bits, query components of 3; gidney adders")
        table = lines[2:12]
        assert "qubits" in table[0]
        assert "Toffoli depth" in table[0]
        assert len({len(line) for line in table}) == 1
        assert [line.split("  ")[0] for line in table[1:]] == ["oracle call"] * 3 + ["Grover iteration"] * 3 + [
            "query"
        ] * 3
        assert captured.err == ""

    def test_json_is_one_document_with_notes_on_the_other_stream(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main([*self.SIZES, "--width", "2^20", "--json"]) == 0
        captured = capsys.readouterr()
        document = json.loads(captured.out)
        assert set(document) == {"rows", "search", "options", "versions", "notes", "quality"}
        assert captured.err.splitlines() == [f"hybrid-train: note: {note}" for note in document["notes"]] != []

    def test_the_circuit_is_drawn(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path = tmp_path / "oracle.png"
        assert main([*self.SIZES, "--width", "4", "--draw", str(path)]) == 0
        assert path.read_bytes().startswith(b"\x89PNG")
        assert capsys.readouterr().out.endswith(f"\npicture {path}\n")

    def test_the_figures_are_printed_where_the_picture_cannot_be_drawn(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        plain = oracle_resources(OracleSizes(4, 2, 3))
        for path, reason in ((tmp_path / "none" / "oracle.png", "FileNotFoundError"), (tmp_path / "o.png", "Module")):
            if reason == "Module":
                monkeypatch.setitem(sys.modules, "circuits.resources.drawing", None)
            assert main(["resources", "--width", "4", "--dim", "2", "--bits", "3", "--json", "--draw", str(path)]) == 1
            printed = capsys.readouterr()
            assert json.loads(printed.out)["rows"] == plain["rows"]
            assert f"the picture could not be drawn: {reason}" in printed.err

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("--width", "2^"), "width='2^': expected a whole number such as 1024 or 2^20"),
            (("--width", "0"), "width=0: must be from 1"),
            (("--width", "2^1000000000"), "width=2^1000000000: must be from 1"),
            (("--width", "8", "--bits", "1"), "bits=1: must be at least 2"),
            (("--width", "8", "--adder", "ripple"), "adder='ripple': must be one of gidney, draper"),
            (("--width", "8", "--adder", "draper", "--loading", "all"), "loading='all'"),
            (("--width", "8", "--loading", "some"), "loading='some': must be one of all, coordinate"),
            (("--width", "8", "--swap", "3"), "swap=3: must be a power of two"),
            (("--width", "8", "--delta", "0"), "delta=0.0"),
            (("--width", "8", "--draw", "oracle.gif"), "oracle.gif"),
        ],
    )
    def test_bad_options_are_one_line(
        self, arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (line,) = error_lines([*self.SIZES, *arguments], capsys)
        assert words in line


@pytest.mark.parametrize(("text", "width"), [("1", 1), ("1024", 1024), ("2^20", 1 << 20), ("10^3", 1000)])
def test_widths_are_numbers_or_powers(text: str, width: int) -> None:
    assert parse_width(text) == width


@pytest.mark.parametrize("text", ["", "-1", "2^-1", "1e3", "2^3^4", "^3", "9" * 41, "0"])
def test_other_widths_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="width="):
        parse_width(text)


def test_a_wide_oracle_is_drawn_narrower() -> None:
    narrow = OracleSizes(1 << 30, 8, 4, swap=64).buildable()
    assert 128 <= narrow.width < 4096
    assert OracleSizes(32, 8, 4).buildable().width == 32
    with pytest.raises(ResourceError, match="dim=784, bits=8: at any width"):
        OracleSizes(1 << 10, 784, 8).buildable()


def test_all_pairs_are_told_beside_the_query() -> None:
    sizes = OracleSizes(1 << 20, 8, 4, pairs=64)
    document = oracle_resources(sizes)
    assert document["pairs"]["index_qubits"] == 26
    assert "one search over all pairs with 64 data" in resources_text(document)
    assert "given: neurons, data, bits; " in resources_text(document).splitlines()[-1]
    assert "pairs" not in oracle_resources(OracleSizes(1 << 20, 8, 4))


@pytest.mark.parametrize(("name", "ending"), [("counts.json", "numQubits"), ("counts.yaml", "version")])
def test_logical_counts_are_exported(
    name: str, ending: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / name
    for _ in range(2):
        assert main(["resources", "--width", "64", "--dim", "3", "--bits", "4", "--export", str(place)]) == 0
    assert f"counts {place}" in capsys.readouterr().out
    found, query = json.loads(place.read_text()), OracleSizes(64, 3, 4).search()
    assert ending in found
    if name.endswith("json"):
        assert (found["numQubits"], found["cczCount"]) == (query.oracle.logical_qubits, query.gates.ands)
        return
    program = found["program"]
    total = sum(
        part["repetition"]["count"] * value["value"]
        for part in program["children"]
        for value in part["children"][0]["resources"]
        if value["name"] == "toffoli"
    )
    assert {value["name"]: value["value"] for value in program["resources"]}["toffoli"] == total == query.gates.ands


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--export", "counts.txt"], "ends in .json"),
        (["--physical", "qubit"], "expected one of qubit_gate_ns_e3"),
        (["--physical", ","], "expected names of qubit models"),
        (["--physical", "--error-budget", "2"], "error_budget=2"),
        (["--physical", "--price", "0"], "price=0"),
        (["--price", "1"], "it goes with --physical"),
        (["--error-budget", "0.1"], "it goes with --physical"),
    ],
)
def test_impossible_machines_are_refused(
    options: list[str], error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["resources", "--width", "64", "--dim", "3", "--bits", "4", *options]) == 2
    assert error in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (3e-4, "0.3 ms"),
        (0.5, "500 ms"),
        (59.0, "59 s"),
        (90.0, "1.5 minutes"),
        (7.68e6, "88.9 days"),
        (1e9, "31.7 years"),
    ],
)
def test_times_in_units_that_suit_them(seconds: float, text: str) -> None:
    assert time_text(seconds) == text


def test_no_search_that_knows_nothing_beats_its_cap() -> None:
    for exponent in (10, 20, 30):
        found = OracleSizes(1 << exponent, 4, 4).search()
        cap = oracle_resources(OracleSizes(1 << exponent, 4, 4))["search"]["advantage_cap"]
        assert (1 << exponent) / found.oracle_calls < cap == advantage_cap(1 << exponent, found.fired)
        assert cap == pytest.approx(0.72 / math.sqrt(found.fired / (1 << exponent)), rel=0.01)


@pytest.mark.peers
def test_physical_cost_of_a_query(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("qdk")
    arguments = [
        "resources",
        "--width",
        "2^10",
        "--dim",
        "8",
        "--bits",
        "4",
        "--physical",
        "qubit_gate_ns_e3,qubit_maj_ns_e6",
    ]
    assert main([*arguments, "--price", "2", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    for row in document["physical"]:
        assert row["price"] == pytest.approx(2 * row["physical_qubits"] * row["seconds"] / 3600)
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert f"{document['physical'][0]['physical_qubits']:,}" in printed
    assert "price" not in printed
