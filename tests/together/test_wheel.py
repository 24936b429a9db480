"""The wheel: what the oldest versions are, and (slow) that it works where no source can be seen."""

from __future__ import annotations

import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.support import out_of_sight

ROOT = Path(__file__).resolve().parents[2]


def test_the_oldest_versions_are_the_lower_bounds(tmp_path: Path) -> None:
    project = tmp_path / "pyproject.toml"
    project.write_text(
        '[project]\ndependencies = ["a>=1.2", "b~=3", "c"]\n[project.optional-dependencies]\nx = ["d>=4,<5"]\n'
    )
    assert out_of_sight.oldest(project, ["x"]) == ["a==1.2", "b==3", "c", "d==4"]


def test_every_dependency_has_a_lower_bound() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [one for some in project["optional-dependencies"].values() for one in some]
    assert [one for one in [*project["dependencies"], *extras] if ">=" not in one] == []
    assert {"peers", "art", "physical", "sweep", "docs"} <= set(project["optional-dependencies"])


def test_a_file_left_out_of_a_wheel_is_named(tmp_path: Path) -> None:
    for name in ("hybrid_train/a.py", "hybrid_train/b.json", "hybrid_train/__pycache__/a.pyc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    with zipfile.ZipFile(tmp_path / "x.whl", "w") as wheel:
        for name in ("hybrid_train/a.py", "tests/c.py", "x.dist-info/METADATA"):
            wheel.writestr(name, "")
    assert out_of_sight.unlike(tmp_path / "x.whl", tmp_path) == ["hybrid_train/b.json", "tests/c.py"]


@pytest.mark.slow
def test_everything_is_in_the_wheel(tmp_path: Path) -> None:
    assert out_of_sight.unlike(out_of_sight.build(tmp_path)) == []
