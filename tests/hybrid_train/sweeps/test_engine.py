"""A sweep carries each run out once, whoever dies meanwhile, and comes to the same whatever the workers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from hybrid_train.cli import main
from hybrid_train.crew.worker import carry_out
from hybrid_train.errors import ConfigError
from hybrid_train.sweeps import engine
from hybrid_train.sweeps.engine import sweep
from hybrid_train.sweeps.work import work
from tests.support.crews import Crew
from tests.support.kills import spawned

CONFIG: dict[str, Any] = {
    "data": {"kind": "sphere", "n": 6, "dim": 4},
    "network": {"width": 64},
    "training": {"steps": 4},
    "finder": {"kind": "scan"},
}
GRID = {"network.width": ["32", "64"], "finder.kind": ["scan", "empty"]}
CLOCKED = {"finder_s", "wall_s"}


@pytest.fixture
def crew(monkeypatch: pytest.MonkeyPatch) -> Crew:
    found = Crew()
    monkeypatch.setattr(engine, "crew_of", lambda *_: found)
    return found


def timeless(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key not in CLOCKED} for row in rows]


def results_of(directory: Path) -> dict[str, Any]:
    files = sorted((directory / "runs").glob("*.json"))
    return {file.name: json.loads(file.read_text())["result"] for file in files}


def workers_of(process: int) -> list[psutil.Process]:
    children = psutil.Process(process).children(recursive=True)
    return [child for child in children if "spawn_main" in " ".join(child.cmdline())]


def waited(condition: Any, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


def test_every_combination_and_seed_has_its_row(tmp_path: Path, crew: Crew) -> None:
    found = sweep(CONFIG, GRID, [0, 1], out=tmp_path / "s")
    asked = [(row["network.width"], row["finder.kind"], row["run.seed"]) for row in found.rows]
    assert asked == [(m, kind, seed) for m in (32, 64) for kind in ("scan", "empty") for seed in (0, 1)]
    assert len(crew.carried_out) == 8
    assert all(row["finder"] == row["finder.kind"] for row in found.rows)
    parquet = pytest.importorskip("pyarrow.parquet", reason="no pyarrow here")
    table = parquet.read_table(tmp_path / "s" / "table.parquet").to_pylist()
    assert [row["final_loss"] for row in table] == [row["final_loss"] for row in found.rows]
    assert json.loads(table[-1]["config"])["network"]["width"] == 64
    assert table[0]["version.numpy"]


def test_started_again_it_does_only_what_is_missing(tmp_path: Path, crew: Crew) -> None:
    first = sweep(CONFIG, GRID, [0], out=tmp_path / "s")
    gone = sorted((tmp_path / "s" / "runs").glob("*.json"))[1]
    before = results_of(tmp_path / "s")
    gone.unlink()
    crew.carried_out.clear()
    second = sweep(CONFIG, GRID, [0], out=tmp_path / "s")
    assert crew.carried_out == [gone.stem]
    assert results_of(tmp_path / "s") == before
    assert timeless(second.rows) == timeless(first.rows)
    with pytest.raises(ConfigError, match=r"run.seed = 0 for instance; name these as well"):
        sweep(CONFIG, GRID, [1], out=tmp_path / "s")


def test_a_wider_grid_and_more_seeds_are_added_to_what_is_there(tmp_path: Path, crew: Crew) -> None:
    out = tmp_path / "s"
    sweep(CONFIG, {"network.width": ["32"]}, [0], out=out)
    first = results_of(out)
    crew.carried_out.clear()
    more = {"network.width": ["32", "64"], "training.steps": ["4", "5"]}  # 4 is the config's own, so the old run is one
    wider = sweep(CONFIG, more, [0, 1], out=out)
    assert (len(wider.rows), len(crew.carried_out)) == (8, 7)
    assert first.items() <= results_of(out).items()
    assert timeless(wider.rows) == timeless(sweep(CONFIG, more, [0, 1], out=tmp_path / "at_once").rows)
    crew.carried_out.clear()
    assert timeless(sweep(CONFIG, more, [0, 1], out=out).rows) == timeless(wider.rows)
    assert crew.carried_out == []


@pytest.mark.parametrize(
    ("config", "grid", "seeds", "told"),
    [
        (CONFIG, {"network.width": ["64"]}, [0], "network.width = 32, run.seed = 0"),
        (CONFIG, {"network.width": ["32", "64"]}, [1], "name these as well"),
        (CONFIG | {"training": {"steps": 5}}, {"network.width": ["32", "64"]}, [0], "training.steps"),
    ],
)
def test_a_narrower_one_is_refused_and_nothing_changes(
    tmp_path: Path, crew: Crew, config: dict[str, Any], grid: dict[str, list[str]], seeds: list[int], told: str
) -> None:
    out = tmp_path / "s"
    sweep(CONFIG, {"network.width": ["32", "64"]}, [0], out=out)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    with pytest.raises(ConfigError, match=told):
        sweep(config, grid, seeds, out=out)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("deaths", [{0: 1}, {1: 1}, {2: 1, 3: 1}])
def test_runs_whose_worker_died_are_carried_out_again(
    tmp_path: Path, deaths: dict[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "crew_of", lambda *_: Crew())
    calm = sweep(CONFIG, GRID, [0], out=tmp_path / "calm")
    monkeypatch.setattr(engine, "crew_of", lambda *_: Crew(deaths))
    found = sweep(CONFIG, GRID, [0], out=tmp_path / "s")
    assert timeless(found.rows) == timeless(calm.rows)
    assert results_of(tmp_path / "s") == results_of(tmp_path / "calm")


def test_a_run_that_ends_its_workers_is_given_up_and_tried_again_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "crew_of", lambda *_: Crew({2: 99}))
    found = sweep(CONFIG, GRID, [0], out=tmp_path / "s")
    assert [("error" in row) for row in found.rows] == [False, False, True, False]
    assert "its worker died" in found.errors[0]
    monkeypatch.setattr(engine, "crew_of", lambda *_: Crew())
    assert sweep(CONFIG, GRID, [0], out=tmp_path / "s").errors == []


def test_a_run_that_fails_leaves_the_others(tmp_path: Path, crew: Crew, capsys: pytest.CaptureFixture[str]) -> None:
    del crew
    (tmp_path / "c.toml").write_text('[data]\nkind = "sphere"\nn = 6\ndim = 4\n[network]\nwidth = 8\n')
    arguments = ["sweep", str(tmp_path / "c.toml"), "--grid", "training.learning_rate=0.1,1e99", "--json", "--quiet"]
    assert main([*arguments, "--out", str(tmp_path / "s")]) == 1
    captured = capsys.readouterr()
    rows = json.loads(captured.out)["rows"]
    assert [("error" in row) for row in rows] == [False, True]
    assert captured.err.count("error: run ") == 1
    assert "A sweep of training runs" in (tmp_path / "s" / "report.html").read_text(encoding="utf-8")


def test_without_pyarrow_the_table_is_csv_and_that_is_said(
    tmp_path: Path, crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    del crew
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    found = sweep(CONFIG, {}, [0, 1], out=tmp_path / "s")
    assert any("table.csv" in note for note in found.notes)
    assert len((tmp_path / "s" / "table.csv").read_text().splitlines()) == 3


def test_threads_change_no_result() -> None:
    one, two = (carry_out("x", work, ("x", CONFIG), count)["value"] for count in (1, 2))
    assert one["result"] == two["result"]


@pytest.mark.slow
def test_workers_and_the_sweep_itself_are_killed_and_nothing_is_lost(tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text(
        '[data]\nkind = "sphere"\nn = 16\ndim = 8\n[network]\nwidth = 2048\n'
        '[training]\nsteps = 150\n[finder]\nkind = "scan"\n'
    )
    arguments = ["sweep", str(config), "--grid", "network.width=1024,2048", "--seeds", "0..3"]
    assert main([*arguments, "--workers", "1", "--out", str(tmp_path / "calm"), "--quiet"]) == 0
    killed, runs = tmp_path / "killed", tmp_path / "killed" / "runs"
    process = spawned([*arguments, "--workers", "2", "--out", str(killed)])
    waited(lambda: len(list(runs.glob("*.json"))) >= 1 and len(workers_of(process.pid)) == 2)
    workers_of(process.pid)[0].send_signal(signal.SIGKILL)
    waited(lambda: len(list(runs.glob("*.json"))) >= 3)
    left = workers_of(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert left
    waited(lambda: not any(worker.is_running() for worker in left), 30)
    process.communicate(timeout=30)
    assert main([*arguments, "--workers", "2", "--out", str(killed), "--quiet"]) == 0
    assert results_of(killed) == results_of(tmp_path / "calm")
    assert len(results_of(killed)) == 8


@pytest.mark.slow
def test_a_dask_cluster_loses_a_worker_and_no_run(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="no Dask here")
    places: dict[str, Any] = {"cwd": tmp_path, "env": os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}}
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    file = tmp_path / "scheduler.json"
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", "0", "--no-dashboard"]
    started = [subprocess.Popen([*dask, "--scheduler-file", str(file)], **places, **quiet)]
    try:
        waited(file.exists)
        time.sleep(0.2)
        address = json.loads(file.read_text())["address"]
        worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--no-nanny", "--nthreads", "1"]
        started += [subprocess.Popen([*worker, "--no-dashboard"], **places, **quiet) for _ in range(2)]
        config = tmp_path / "c.toml"
        config.write_text(
            '[data]\nkind = "sphere"\nn = 16\ndim = 8\n[network]\nwidth = 2048\n'
            '[training]\nsteps = 150\n[finder]\nkind = "scan"\n'
        )
        arguments = ["sweep", str(config), "--grid", "network.width=1024,2048", "--seeds", "0..3"]
        process = spawned([*arguments, "--scheduler", address, "--out", str(tmp_path / "dask")])
        runs = tmp_path / "dask" / "runs"
        waited(lambda: len(list(runs.glob("*.json"))) >= 2 or process.poll() is not None)
        started[1].send_signal(signal.SIGKILL)
        _, errors = process.communicate(timeout=200)
        assert (process.returncode, errors) == (0, b"")
    finally:
        for one in started:
            one.kill()
            one.wait()
    assert main([*arguments, "--workers", "2", "--out", str(tmp_path / "here"), "--quiet"]) == 0
    assert results_of(tmp_path / "dask") == results_of(tmp_path / "here")
