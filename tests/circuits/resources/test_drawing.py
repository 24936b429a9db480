"""Pictures of oracles: written, labelled, and complete."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from circuits.arithmetic.example import example_oracle
from circuits.resources.drawing import _block_figure, _gate_figure, _placed, draw
from hybrid_train.errors import ConfigError


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for axis in figure.axes for text in axis.texts]


@pytest.mark.parametrize("variant", ["all", "coordinate", "draper"])
def test_every_gate_and_section_is_in_the_picture(variant: str) -> None:
    program = example_oracle(4, 2, 2, variant=variant).program()
    groups = _placed(program)
    placed = [gate for group in groups for gate in group.gates]
    assert len(placed) == sum(one.operation.name != "barrier" for one in program.circuit.data)
    assert len({(gate.layer, row) for gate in placed for row in gate.rows}) == sum(len(gate.rows) for gate in placed)
    shown = texts(_gate_figure(program.circuit, groups))
    assert {section.name for section in program.sections} <= set(shown)
    assert {"index 0", "word 1", "total 3"} <= set(shown)
    assert shown.count("∧") == sum(gate.operation.name == "and" for gate in placed)


def test_a_large_oracle_is_drawn_as_blocks() -> None:
    program = example_oracle(64, 2, 3, variant="coordinate").program(measured=True)
    shown = texts(_block_figure(program))
    assert {"index /6", "word /3", "load\n62 ANDs", "unload\n16 ANDs", "phase"} <= set(shown)


@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_files_are_written(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"oracle.{suffix}"
    draw(example_oracle(4, 1, 2, variant="all"), path)
    assert path.stat().st_size > 5000


def test_gates_by_default_only_while_they_fit(tmp_path: Path) -> None:
    wide, path = example_oracle(64, 2, 3, variant="all"), tmp_path / "oracle.png"
    draw(wide, path)
    blocks = imread(path)
    draw(wide, path, gates=False)
    assert imread(path).shape == blocks.shape
    with pytest.raises(ConfigError, match="gates=True"):
        draw(wide, path, gates=True)


def test_an_unknown_file_type_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"oracle\.gif"):
        draw(example_oracle(4, 1, 2), tmp_path / "oracle.gif")
