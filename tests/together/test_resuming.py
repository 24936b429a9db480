"""Whatever ends a command, --resume comes to what the unbroken one came to, or says clearly why it cannot."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hybrid_train
from hybrid_train.errors import CheckpointError, ConfigError, HybridTrainError, UnwrittenError
from hybrid_train.experiments.folder import Folder
from hybrid_train.experiments.results import RunDirectory, read_run
from hybrid_train.network.storing import trained_banks
from tests.support.forks import program
from tests.support.kills import Died, command, disk, fresh, killed_after, results, spawned, timeless

SPHERE = {"kind": "sphere", "n": 10, "dim": 5}
RUN: dict[str, Any] = {
    "data": SPHERE,
    "network": {"width": 64},
    "training": {"steps": 7},
    "finder": {"kind": "scan"},
    "run": {"checkpoint": 2, "seed": 3},
}
DEEP = {"kind": "deep", "width": 32, "depth": 2}
CONFIGS: dict[str, dict[str, Any]] = {
    "scan": {},
    "skin": {"finder": {"kind": "skin"}},
    "hsr data": {"finder": {"kind": "hsr"}, "training": {"index": "data"}},
    "auto": {"finder": {"kind": "auto"}, "network": {"width": 4096}},
    "lsh": {"finder": {"kind": "lsh", "tables": 5, "bits": 3}},
    "correlation_tree": {"finder": {"kind": "correlation_tree"}},
    "grover warm": {"finder": {"kind": "grover", "engine": "closed_form", "strategy": "warm"}},
    "grover previous": {"finder": {"kind": "grover", "engine": "closed_form", "prior": "previous"}},
    "grover pairs": {"finder": {"kind": "grover", "engine": "closed_form", "scope": "pairs"}},
    "sgd best": {"training": {"algorithm": "sgd", "batch_size": 4, "keep": "best"}},
    "sgd average": {"training": {"algorithm": "sgd", "batch_size": 4, "keep": "average"}, "finder": {"kind": "skin"}},
    "sgd random": {"training": {"algorithm": "sgd", "batch_size": 4, "replacement": True}},
    "adversarial": {"training": {"algorithm": "adversarial"}, "finder": {"kind": "skin"}},
    "jump": {"training": {"algorithm": "adversarial"}, "network": {"activation": "jump"}},
    "pgd": {
        "training": {"algorithm": "adversarial", "batch_size": 4, "keep": "best"},
        "adversary": {"kind": "pgd", "random_start": True},
    },
    "momentum": {"training": {"optimiser": "momentum", "schedule": "cosine"}},
    "adam": {"training": {"optimiser": "adam", "weight_decay": 0.01, "schedule": "linear", "keep": "best"}},
    "deep": {"network": DEEP, "finder": {"kind": "auto"}},
    "deep sgd": {"network": DEEP, "training": {"algorithm": "sgd", "batch_size": 4}},
    "seeded": {"network": {"storage": "seeded"}, "finder": {"kind": "skin"}},
    "live": {"network": {"storage": "live", "width": 2048}, "finder": {"kind": "skin"}},
    "joint": {"network": DEEP | {"joint": True}, "finder": {"kind": "scan"}},
    "tangent kernel": {
        "network": {"kind": "tangent_kernel", "width": 64},
        "training": {"algorithm": "sgd", "batch_size": 4, "keep": "average"},
        "finder": {"kind": "skin"},
    },
    "random features": {
        "network": {"kind": "random_features", "width": 64, "dtype": "float32"},
        "training": {"index": "data"},
        "finder": {"kind": "hsr"},
    },
    "alpha": {"network": {"threshold": {"alpha": 0.6}}},
    "paired float32": {"network": {"start": "paired", "dtype": "float32"}, "finder": {"kind": "skin"}},
}


def config(name: str = "scan") -> dict[str, Any]:
    tables = {section: dict(table) for section, table in RUN.items()}
    for section, table in CONFIGS[name].items():
        tables[section] = table if "kind" in table else tables.get(section, {}) | table
    return tables


def broken_off(tables: dict[str, Any], out: Path, step: int) -> None:
    """Run until the record of a step is to be written, as if the process ended there."""

    def append(directory: RunDirectory, record: dict[str, Any]) -> None:
        if record["step"] == step:
            raise Died
        original(directory, record)

    original = RunDirectory.append
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunDirectory, "append", append)
        with pytest.raises(Died):
            hybrid_train.run(tables, out=out)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_run_that_is_taken_up_equals_the_unbroken_one(name: str, tmp_path: Path) -> None:
    tables = config(name)
    whole = hybrid_train.run(tables, out=tmp_path / "a")
    broken_off(tables, tmp_path / "b", 5)
    again = hybrid_train.run(tables, resume=tmp_path / "b")
    banks = zip(trained_banks(whole.network), trained_banks(again.network), strict=True)
    assert all(np.array_equal(one[:], other[:]) for one, other in banks)
    assert results(tmp_path / "b") == results(tmp_path / "a")
    assert read_run(tmp_path / "b").metrics[5]["loss"] == whole.losses[5]
    kept = sorted(path.name for path in (tmp_path / "b" / "checkpoints").glob("resume-*"))
    assert kept == ["resume-000004.npz", "resume-000006.npz"]


def test_breaks_alone_change_no_more_than_last_bits(tmp_path: Path) -> None:
    tables = config("skin")
    plain = hybrid_train.run(tables | {"run": {"seed": 3}})
    broken = hybrid_train.run(tables)
    assert np.allclose(plain.losses, broken.losses, rtol=1e-12)
    clocked = hybrid_train.run(tables | {"run": {"seed": 3, "checkpoint": {"seconds": 0.001}}})
    (note,) = (note for note in clocked.table.notes if note.startswith("checkpoints by the clock"))
    steps = [int(word.strip(",;")) for word in note.split("steps ")[1].split(";")[0].split()]
    repeated = hybrid_train.run(tables | {"run": {"seed": 3, "checkpoint": {"at": steps}}})
    assert repeated.losses == clocked.losses


COMMANDS: dict[str, list[str]] = {
    "run": ["run", "CONFIG"],
    "compare": ["compare", "CONFIG", "--finders", "scan,hsr"],
    "count": ["count", "--widths", "64,128", "--strategies", "known_k,warm", "--trials", "3"],
    "along": ["count", "--along", "CONFIG", "--strategies", "known_k"],
    "theory": ["theory", "CONFIG", "--no-costs"],
}
TOML = (
    '[data]\nkind = "sphere"\nn = 6\ndim = 3\n[network]\nwidth = 32\n[training]\nsteps = 4\n'
    '[finder]\nkind = "scan"\n[run]\ncheckpoint = 2\n'
)


@pytest.fixture
def arguments(tmp_path: Path) -> dict[str, list[str]]:
    path = tmp_path / "c.toml"
    path.write_text(TOML, encoding="utf-8")
    return {name: [str(path) if word == "CONFIG" else word for word in words] for name, words in COMMANDS.items()}


@pytest.fixture(autouse=True)
def without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the pictures out: they come last, and are looked at elsewhere."""
    for name in ("runs._draw_run", "runs._draw_comparison"):
        monkeypatch.setattr(f"hybrid_train.experiments.{name}", lambda *_: [])
    for name in ("studies.count._draw", "studies.count_along._draw", "theory.two_layer_check._draw"):
        monkeypatch.setattr(f"hybrid_train.{name}", lambda *_: [])


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_death_at_every_change_of_the_disk(name: str, arguments: dict[str, list[str]], tmp_path: Path) -> None:
    words = arguments[name]
    with disk(lambda *_: None) as changes:
        assert command([*words, "--out", str(tmp_path / "whole")]) == 0
    expected = results(tmp_path / "whole")
    for k in range(len(changes)):
        out = fresh(tmp_path / "broken")
        pid = os.fork()
        if pid == 0:  # the child is gone at the k-th change, without a word or a clean-up

            def die(number: int, doing: str, path: Path, last: int = k) -> None:
                if number == last:
                    os._exit(9)

            with disk(die):
                command([*words, "--out", str(out)])
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9, changes[k]
        assert command([*words, "--resume", str(out)]) == 0, changes[k]
        assert results(out) == expected, changes[k]


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_a_disk_that_fails_loses_nothing(
    name: str, arguments: dict[str, list[str]], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = arguments[name]
    with disk(lambda *_: None) as changes:
        assert command([*words, "--out", str(tmp_path / "whole")]) == 0
    expected = results(tmp_path / "whole")
    for k in range(0, len(changes), 3):
        out, number = fresh(tmp_path / "broken"), (errno.ENOSPC, errno.EIO)[k % 2]

        def fail(at: int, doing: str, path: Path, first: int = k, number: int = number) -> None:
            if at >= first:
                raise OSError(number, os.strerror(number), str(path))

        capfd.readouterr()
        with disk(fail):
            code = command([*words, "--out", str(out)])
        told = capfd.readouterr().err
        assert code in (0, 1), (changes[k], told)
        assert code == 0 or "cannot be written" in told, (changes[k], told)
        assert "Traceback" not in told
        assert command([*words, "--resume", str(out)]) == 0, changes[k]
        assert results(out) == expected, changes[k]


def test_a_file_cut_anywhere_is_made_up_for_or_refused(tmp_path: Path) -> None:
    tables = config()
    whole = hybrid_train.run(tables, out=tmp_path / "a")
    broken_off(tables, tmp_path / "b", 5)
    outcomes = set()
    for name in ("metrics.jsonl", "checkpoints/resume-000004.npz", "manifest.json", "request.json", "config.toml"):
        size = (tmp_path / "b" / name).stat().st_size
        for cut in sorted({*range(0, size, max(1, size // 12)), size - 1}):
            shutil.copytree(tmp_path / "b", fresh(tmp_path / "c"))
            with open(tmp_path / "c" / name, "r+b") as file:
                file.truncate(cut)
            before = {path: path.read_bytes() for path in (tmp_path / "c").rglob("*.npz")}
            refusal = ""
            try:
                losses = hybrid_train.run(tables, resume=tmp_path / "c").losses
            except HybridTrainError as error:
                refusal = str(error)
            outcomes.add((name, "refused" if refusal else "made up for"))
            assert "\n" not in refusal
            if refusal:
                assert all(path.read_bytes() == data for path, data in before.items())
            else:
                assert losses == whole.losses
    assert ("checkpoints/resume-000004.npz", "made up for") in outcomes
    assert ("checkpoints/resume-000004.npz", "refused") not in outcomes
    assert ("manifest.json", "refused") in outcomes


def test_a_run_that_falls_back_to_an_older_checkpoint_says_so(tmp_path: Path) -> None:
    whole = hybrid_train.run(config())
    broken_off(config(), tmp_path / "b", 5)
    newest = tmp_path / "b" / "checkpoints" / "resume-000004.npz"
    newest.write_bytes(newest.read_bytes()[:-1])
    again = hybrid_train.run(config(), resume=tmp_path / "b")
    assert again.losses == whole.losses
    (note,) = (one for one in again.table.notes if "gone on with" in one)
    assert "resume-000004.npz" in note
    assert note.endswith("gone on with from the checkpoint of step 2 before it")


def test_another_config_is_refused_with_its_keys(tmp_path: Path) -> None:
    broken_off(config(), tmp_path / "b", 5)
    other = config() | {"network": {"width": 32}}
    with pytest.raises(ConfigError, match=r"network\.width: 64 there, 32 here"):
        hybrid_train.run(other, resume=tmp_path / "b")
    with pytest.raises(ConfigError, match="data_sha256"):
        hybrid_train.run(config(), resume=tmp_path / "b", data=(np.eye(10, 5) + 1.0, np.arange(10.0) % 2))
    with pytest.raises(ConfigError, match="command: 'run' there, 'compare' here"):
        hybrid_train.compare(config(), ["scan"], resume=tmp_path / "b")
    with pytest.raises(ConfigError, match="leave out out"):
        hybrid_train.run(config(), resume=tmp_path / "b", out=tmp_path / "c")


def test_a_directory_knows_its_own_config(tmp_path: Path, arguments: dict[str, list[str]]) -> None:
    for name in ("run", "compare", "theory"):
        out = tmp_path / name
        assert command([*arguments[name], "--out", str(out)]) == 0
        before = results(out)
        rest = ["--no-costs"] if name == "theory" else []
        assert command([name, *rest, "--resume", str(out)]) == 0
        assert results(out) == before


def test_a_summary_says_from_the_start_what_is_planned(tmp_path: Path) -> None:
    seen: list[Any] = []

    def append(directory: RunDirectory, record: dict[str, Any]) -> None:
        seen.append(json.loads((directory.path.parent / "summary.json").read_text(encoding="utf-8")))
        seen.append(json.loads((directory.path / "summary.json").read_text(encoding="utf-8")))
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunDirectory, "append", append)
        with pytest.raises(KeyboardInterrupt):
            hybrid_train.compare(config(), ["scan", "hsr"], out=tmp_path / "c")
    above, own = seen
    assert (above["status"], [row["finder"] for row in above["planned"]]) == ("running", ["scan", "hsr"])
    assert (own["status"], own["planned"]) == ("running", [{"finder": "scan", "index": "neurons"}])
    stopped = read_run(tmp_path / "c" / "neurons-scan").summary
    assert stopped is not None
    assert stopped["status"] == "stopped"
    with pytest.raises(ConfigError, match="already holds results"):
        hybrid_train.compare(config(), ["scan", "hsr"], out=tmp_path / "c")
    again = hybrid_train.compare(config(), ["scan", "hsr"], resume=tmp_path / "c")
    whole = hybrid_train.compare(config(), ["scan", "hsr"])
    assert [row.losses for row in again.rows] == [row.losses for row in whole.rows]


def test_nothing_is_computed_where_nothing_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def computed(*_: Any, **__: Any) -> Any:
        pytest.fail("computed before looking")

    monkeypatch.setattr("hybrid_train.experiments.setting.Setting.of", computed)
    with disk(lambda *given: _full(given[2])), pytest.raises(CheckpointError, match="cannot be written"):
        hybrid_train.run(config(), out=tmp_path / "r")
    with Folder(tmp_path / "r"), pytest.raises(ConfigError, match=r"another process .* writes there"):
        hybrid_train.run(config(), out=tmp_path / "r")
    assert not (tmp_path / "r").exists()


def _full(path: Path) -> None:
    raise OSError(errno.ENOSPC, "No space left on device", str(path))


def test_a_folder_deleted_in_the_middle_is_said_clearly(tmp_path: Path) -> None:
    def append(directory: RunDirectory, record: dict[str, Any]) -> None:
        if record["step"] == 3:
            shutil.rmtree(directory.path)
        original(directory, record)

    original = RunDirectory.append
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunDirectory, "append", append)
        with pytest.raises((CheckpointError, UnwrittenError), match="cannot be written: No such file"):
            hybrid_train.run(config(), out=tmp_path / "r")


EDITS: dict[str, tuple[str, bytes, bytes]] = {
    "a loss": ("metrics.jsonl", b'"loss": 0', b'"loss": 1'),
    "the config": ("config.toml", b"width = 64", b"width = 63"),
    "the summary": ("summary.json", b'"finder": "scan"', b'"finder": "skin"'),
    "the environment": ("environment.json", b'"root": 3', b'"root": 4'),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_directory_is_refused_by_every_reader(name: str, tmp_path: Path) -> None:
    file, before, after = EDITS[name]
    hybrid_train.run(config(), out=tmp_path / "r")
    path = tmp_path / "r" / file
    data = path.read_bytes()
    assert before in data
    path.write_bytes(data.replace(before, after, 1))
    for reader in (read_run, hybrid_train.load, lambda run: hybrid_train.run(config(), resume=run)):
        with pytest.raises(CheckpointError, match=file.replace(".", r"\.")):
            reader(tmp_path / "r")


def test_weights_that_were_edited_are_refused(tmp_path: Path) -> None:
    hybrid_train.run(config(), out=tmp_path / "r")
    (path,) = (tmp_path / "r" / "checkpoints").glob("step-*.npz")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(CheckpointError, match="not what was written"):
        hybrid_train.load(tmp_path / "r")
    (tmp_path / "r" / "manifest.json").unlink()
    with pytest.raises(CheckpointError, match=r"manifest\.json: missing"):
        hybrid_train.load(tmp_path / "r")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_after_the_step_and_all_is_saved(number: signal.Signals, tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(TOML.replace("steps = 4", "steps = 1000000"), encoding="utf-8")
    process = spawned(["run", str(path), "--out", str(tmp_path / "r")])
    metrics = tmp_path / "r" / "metrics.jsonl"
    until = time.monotonic() + 60
    while not (metrics.exists() and metrics.stat().st_size > 2000) and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == 128 + number
    stored = read_run(tmp_path / "r")
    assert stored.summary is not None
    assert stored.summary["status"] == "stopped"
    assert list(stored.checkpoints) == [stored.metrics[-1]["step"]]
    assert hybrid_train.load(tmp_path / "r").network.outputs == 1


def test_of_two_processes_one_gets_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(TOML.replace("steps = 4", "steps = 300"), encoding="utf-8")
    both = [spawned(["run", str(path), "--out", str(tmp_path / "r")]) for _ in range(2)]
    told = [process.communicate()[1].decode() for process in both]
    assert sorted(process.returncode for process in both) == [0, 2]
    (error,) = (text for text in told if text)
    assert error.count("\n") == 1
    assert "writes there" in error or "already holds results" in error
    assert len(read_run(tmp_path / "r").metrics) == 301


KILLS = int(os.environ.get("HYBRID_TRAIN_KILLS", "20"))
SEED = int(os.environ.get("HYBRID_TRAIN_SEED", "0"))
LONG = TOML.replace("steps = 4", "steps = 60").replace("width = 32", "width = 512").replace("n = 6", "n = 24")


@pytest.mark.slow
def test_kills_at_random_moments(tmp_path: Path) -> None:
    """HYBRID_TRAIN_KILLS of them, over all commands; each command may be killed again while it is taken up."""
    path = tmp_path / "c.toml"
    path.write_text(LONG, encoding="utf-8")
    commands = {
        "run": ["run", str(path)],
        "deep": ["run", str(path), "--set", "network.kind=deep", "--set", "network.width=128"],
        "sgd": ["run", str(path), "--set", "training.algorithm=sgd", "--set", "finder.kind=skin"],
        "grover": ["run", str(path), "--set", "finder.kind=grover", "--set", "finder.engine=closed_form"],
        "compare": ["compare", str(path), "--finders", "scan,hsr,skin", "--index", "neurons,data"],
        "count": ["count", "--widths", "2^10..2^16", "--strategies", "known_k,bbht,warm", "--trials", "20"],
        "along": ["count", "--along", str(path), "--strategies", "known_k,warm"],
        "theory": ["theory", str(path)],
        "crossover": ["crossover", "--dim", "4", "--n", "4", "--classical-rate", "1e9", "--strategies", "known_k"],
        "reproduce": ["reproduce", "sgd", "--quick", "--claims", "sparsity"],
    }
    expected, spans = {}, {}
    for name, words in commands.items():
        began = time.monotonic()
        whole = program([*words, "--quiet", "--out", str(tmp_path / name)]).done()
        assert (whole.code, whole.err) == (0, ""), name
        spans[name] = time.monotonic() - began
        expected[name] = results(tmp_path / name)
    chance, at_work = random.Random(SEED), 0
    for number in range(0, KILLS, 2):
        name = list(commands)[number // 2 % len(commands)]
        out, words = fresh(tmp_path / "killed"), [*commands[name], "--quiet", "--resume", str(tmp_path / "killed")]
        for _ in range(2):
            at_work += killed_after(words, chance.uniform(0.0, 1.05) * spans[name])
        began = time.monotonic()
        last = program(words).done()
        spans[name] = min(spans[name], time.monotonic() - began)  # the first one may have compiled
        assert last.code == 0, (name, number, last.err)
        assert results(out) == expected[name], (name, number)
    print(f"{KILLS} kills, {at_work} of them at work, seed {SEED}: all came to the unbroken result")


def test_what_the_clock_decides_is_left_out_of_comparisons() -> None:
    assert timeless({"wall_s": 1, "rows": [{"finder_s": 2, "loss": 3}]}) == {"rows": [{"loss": 3}]}
