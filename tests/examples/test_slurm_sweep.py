"""The example of a cluster, with workers on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_it_sweeps_on_a_cluster(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="Dask is not installed")
    command = ["examples/slurm_sweep.py", "examples/algorithm2_hsr_neurons.toml", str(tmp_path / "out"), "--local"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("final_loss") == 4
    assert (tmp_path / "out" / "report.html").exists()
