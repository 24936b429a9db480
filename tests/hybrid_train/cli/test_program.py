from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import hybrid_train
from hybrid_train.cli import main
from tests.support.commands import error_lines
from tests.support.kills import heed_signals


def python(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    given: dict[str, Any] = {"timeout": 120, "preexec_fn": heed_signals} | options
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, **given)


@pytest.mark.parametrize("arguments", [[], ["rn"], ["run"], ["compare", "x.toml"], ["run", "x.toml", "--what"]])
def test_bad_arguments_are_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert len(error_lines(arguments, capsys)) == 1


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"hybrid-train {hybrid_train.__version__}\n"


def test_the_module_is_the_program(config: str) -> None:
    done = python("-m", "hybrid_train", "run", config, "--json", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["rows"][0]["finder"] == "auto"


def test_the_package_and_the_help_load_nothing_heavy() -> None:
    heavy = "{'numpy', 'scipy', 'numba', 'pydantic', 'sklearn', 'qiskit', 'matplotlib', 'dask', 'tqdm'}"
    code = (
        "import sys, hybrid_train, hybrid_train.cli\n"
        "assert hybrid_train.__version__ and 'run' in dir(hybrid_train)\n"
        "assert hybrid_train.cli.main(['compare', '--help']) == 0\n"
        f"print(sorted({heavy} & set(sys.modules)), file=sys.stderr)\n"
    )
    done = python("-c", code)
    assert (done.returncode, done.stderr) == (0, "[]\n")


@pytest.mark.parametrize(
    ("most", "arguments"),
    [
        (0.1, ["-c", "import hybrid_train"]),
        (0.1, ["-m", "hybrid_train", "--help"]),
        (0.3, ["-m", "hybrid_train", "finders"]),
    ],
)
def test_the_door_opens_at_once(most: float, arguments: list[str]) -> None:
    """In seconds of processor time, beyond those of Python alone; the best of many, as others may be at work here."""

    def taken(*command: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert python(*command).returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    bare = min(taken("-c", "pass") for _ in range(3))
    assert any(taken(*arguments) - bare < most for _ in range(20))


def test_a_classical_run_loads_no_simulator_and_draws_nothing(config: str) -> None:
    code = (
        f"import sys, hybrid_train\nhybrid_train.run({config!r})\n"
        "print(sorted({'qiskit', 'qiskit_aer', 'matplotlib', 'dask'} & set(sys.modules)))\n"
    )
    done = python("-c", code)
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr


def test_every_exported_name_is_there() -> None:
    assert {name for name in hybrid_train.__all__ if getattr(hybrid_train, name, None) is None} == set()
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = hybrid_train.nothing


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_one_line_and_keeps_the_steps(config: str, tmp_path: Path, number: signal.Signals) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "hybrid_train", "run", config, "--set", "training.steps=10000000", "--quiet"]
    command += ["--out", str(out)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=heed_signals) as process:  # noqa: PLW1509
        metrics, deadline = out / "metrics.jsonl", time.monotonic() + 60
        while not (metrics.exists() and metrics.stat().st_size > 1000) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert errors.startswith("hybrid-train: error: interrupted; ")
    assert errors.count("\n") == 1
    stored = hybrid_train.read_run(out)
    assert stored.summary is not None
    assert stored.summary["rows"][0]["error"] == "interrupted"
    assert len(stored.metrics) >= len(stored.summary["rows"][0]["losses"]) > 1


def test_an_interruption_that_compiled_code_passed_on_is_one_too(
    config: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise SystemError("<compiled> returned a result with an exception set") from KeyboardInterrupt()

    monkeypatch.setattr("hybrid_train.experiments.attempt.Attempt.train", interrupted)
    for command in (["run", config], ["compare", config, "--finders", "scan,empty"]):
        assert main(command) == 130
        assert "interrupted" in capsys.readouterr().err


LATE = """
import os, signal, sys, time
from hybrid_train.cli import main, studies
{setup}
studies._count.__code__ = stub.__code__
studies.os, studies.signal, studies.time = os, signal, time
sys.argv[1:] = ["count"]
sys.exit(main())
"""

IN_DESTRUCTOR = """
def stub(options):
    class Swallowing:
        def __del__(self):
            os.kill(os.getpid(), signal.SIGINT)
            for _ in range(100):
                pass
    Swallowing()
    time.sleep(20)
    return 0
"""

AT_THE_END = """
def stub(options):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(20)
    except BaseException:
        pass
    return 0
"""

TWICE = """
def stub(options):
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(20)
    except KeyboardInterrupt:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(20)
    return 0
"""

IN_AN_ERROR = """
def stub(options):
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(20)
    except KeyboardInterrupt:
        raise RuntimeError("compiled code made something else of it")
"""


@pytest.mark.parametrize(
    ("setup", "code"), [(IN_DESTRUCTOR, 130), (AT_THE_END, 143), (TWICE, -signal.SIGINT), (IN_AN_ERROR, 130)]
)
def test_a_signal_that_something_swallows_is_not_lost(setup: str, code: int) -> None:
    started = time.monotonic()
    done = python("-c", LATE.format(setup=setup))
    assert (done.returncode, done.stdout) == (code, "")
    assert time.monotonic() - started < 15
    assert done.stderr.count("\n") == (code > 0)
    assert "Traceback" not in done.stderr


def test_a_program_started_to_ignore_a_signal_ignores_it() -> None:
    setup = "def stub(options):\n    os.kill(os.getpid(), signal.SIGHUP)\n    return 0\n"
    code = "import signal\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\n" + LATE.format(setup=setup)
    done = python("-c", code)
    assert (done.returncode, done.stderr) == (0, "")


def test_handlers_of_a_caller_come_back(capsys: pytest.CaptureFixture[str]) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)], sys.unraisablehook
    assert main(["--version"]) == 0
    assert ([signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)], sys.unraisablehook) == before


@pytest.mark.parametrize("stop", [None, 0, 3, "a plug-in's words"])
def test_whoever_stops_the_program_has_an_exit_code(
    config: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, stop: Any
) -> None:
    def stopping(*_: Any, **__: Any) -> None:
        raise SystemExit(stop)

    monkeypatch.setattr("hybrid_train.experiments.runs.run", stopping)
    assert main(["run", config]) == (stop or 0 if not isinstance(stop, str) else 1)
    assert capsys.readouterr().err == (f"hybrid-train: error: {stop}\n" if isinstance(stop, str) else "")


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (FileNotFoundError(2, "No such file or directory", "no/such/x.png"), 1, "'no/such/x.png': No such file"),
        (
            MemoryError("Unable to allocate 728. TiB"),
            2,
            "out of memory: Unable to allocate 728. TiB; take smaller sizes",
        ),
        (MemoryError(), 2, "out of memory: this machine"),
        (BaseException("a panic of a library"), 1, "BaseException: a panic of a library"),
    ],
)
def test_errors_of_the_machine_are_a_line_without_python_in_it(
    config: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, error: Any, code: int, line: str
) -> None:
    def failing(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("hybrid_train.experiments.runs.run", failing)
    (printed,) = error_lines(["run", config, "--json"], capsys, code)
    assert printed.startswith(line)


def test_results_go_where_the_name_is_no_text(config: str, tmp_path: Path) -> None:
    out = os.fsencode(tmp_path) + b"/o\xff\x1b[31m"
    command = [sys.executable, "-m", "hybrid_train", "run", config, "--quiet", "--out", out]
    done = subprocess.run(command, capture_output=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\x1b" not in done.stdout
    environment = json.loads(Path(os.fsdecode(out), "environment.json").read_text(encoding="utf-8"))
    assert os.fsencode(environment["command"][-1]) == out
