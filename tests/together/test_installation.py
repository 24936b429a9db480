"""The three import packages have generic names: make sure that they are ours."""

from __future__ import annotations

from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

import circuits
import classical
import hybrid_train


@pytest.mark.parametrize("package", [circuits, classical, hybrid_train])
def test_a_package_lies_in_this_distribution(package: Any) -> None:
    assert Path(package.__file__).parents[1] == Path(hybrid_train.__file__).parents[1]
    assert set(packages_distributions()[package.__name__]) == {"hybrid-train"}
    assert (Path(package.__file__).parent / "py.typed").exists()
