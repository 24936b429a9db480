"""What the packages are made of: no code out of data, no shell, no network, and every dependency pinned."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.audit import verdict

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for name in ("hybrid_train", "classical", "circuits") for path in (ROOT / name).rglob("*.py"))

CALLS = {"eval", "exec", "compile", "__import__", "input", "breakpoint"}
MODULES = {
    *("pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "yaml"),
    *("subprocess", "pty", "ctypes", "multiprocessing"),
    *("socket", "ssl", "http", "urllib", "ftplib", "smtplib", "requests", "webbrowser", "xmlrpc", "telnetlib"),
}
OF_OS = re.compile(r"(system|popen|exec\w*|spawn\w*|posix_spawn\w*|startfile)")
KEYWORDS = {"allow_pickle", "shell"}

EXCEPTIONS = {
    "hybrid_train/support/compile_cache.py: import pickle": "machine code that Numba compiled, as trusted as the code",
    "hybrid_train/support/locks.py: import socket": "the name of this machine, for the message of a lock",
    "hybrid_train/crew/executors.py: import multiprocessing": "processes of this machine, which run this code alone",
    "hybrid_train/crew/worker.py: import multiprocessing": "to leave when who started the process is gone",
}
"""What there is all the same, and why."""


def _offences(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Import(names):
                found += [f"import {one.name}" for one in names if one.name.split(".")[0] in MODULES]
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in MODULES:
                found.append(f"import {module}")
            case ast.Call(func=ast.Name(name)) if name in CALLS:
                found.append(f"{name}()")
            case ast.Attribute(value=ast.Name("os"), attr=name) if OF_OS.fullmatch(name):
                found.append(f"os.{name}")
            case ast.keyword(arg=str(name), value=value) if name in KEYWORDS:
                if not (isinstance(value, ast.Constant) and value.value is False):
                    found.append(f"{name}={ast.unparse(value)}")
    return found


def test_no_source_runs_data_or_a_shell_or_speaks_to_a_network() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {offence}"
        for path in SOURCES
        for offence in _offences(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert found == EXCEPTIONS.keys()


@pytest.mark.parametrize(
    "source",
    [
        "eval('1')",
        "import pickle",
        "from urllib.request import urlopen",
        "import os\nos.system('ls')",
        "import os\nos.execv('a', [])",
        "numpy.load('x', allow_pickle=True)",
        "run('ls', shell=flag)",
    ],
)
def test_the_scan_sees(source: str) -> None:
    assert len(_offences(ast.parse(source))) == 1


WITHOUT_NETWORK = """
import sys

def refuse(event, arguments):
    if event.startswith("socket.") and event != "socket.gethostname":
        raise RuntimeError(f"{event} {arguments}")

sys.addaudithook(refuse)
from hybrid_train.cli import main

out, config, rows = sys.argv[1:]
for words in (
    ["run", config, "--out", f"{out}/run"],
    ["compare", config, "--finders", "scan,skin,grover", "--out", f"{out}/compare"],
    ["count", "--widths", "64", "--strategies", "known_k", "--trials", "2", "--out", f"{out}/count"],
    ["theory", config, "--no-costs", "--out", f"{out}/theory"],
    ["predict", f"{out}/run", rows],
):
    code = main(words)
    if code:
        sys.exit(f"{words}: {code}")
"""
TOML = (
    '[data]\nkind = "sphere"\nn = 6\ndim = 3\n[network]\nwidth = 16\n[training]\nsteps = 2\n[finder]\nkind = "scan"\n'
    '[finders.grover]\nengine = "aer"\n'
)


def _alone(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False)


def test_whole_commands_open_no_socket(tmp_path: Path) -> None:
    config, rows = tmp_path / "c.toml", tmp_path / "rows.csv"
    config.write_text(TOML, encoding="utf-8")
    rows.write_text("a,b,c\n1,2,3\n", encoding="utf-8")
    done = _alone(WITHOUT_NETWORK, str(tmp_path), str(config), str(rows))
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "compare").rglob("*.png"))


def test_a_socket_would_be_noticed() -> None:
    script = WITHOUT_NETWORK.split("from hybrid_train", maxsplit=1)[0] + "import socket\nsocket.socket()"
    assert "socket.__new__" in _alone(script).stderr


def _locked() -> dict[str, str]:
    lines = [line for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    pinned = [re.fullmatch(r"([A-Za-z0-9._-]+)==([0-9][\w.]*)", line) for line in lines]
    assert all(pinned), [line for line, one in zip(lines, pinned, strict=True) if one is None]
    return {_plain(one[1]): one[2] for one in pinned if one is not None}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_lock_pins_every_dependency_to_a_version_of_the_package_index() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *(one for group in project["optional-dependencies"].values() for one in group)]
    names = [re.match(r"[A-Za-z0-9._-]+", one)[0] for one in wanted]
    assert all(">=" in one and "@" not in one for one in wanted)
    assert {_plain(name) for name in names} <= _locked().keys()


def test_the_audit_says_what_it_found_and_what_it_could_not_ask() -> None:
    fine = {"name": "a", "version": "1", "vulns": []}
    bad = {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"]}]}
    unknown = {"name": "c", "skip_reason": "not found"}
    assert verdict({"dependencies": [fine]}) == (0, ["1 of 1 packages asked about: no known vulnerability"])
    code, lines = verdict({"dependencies": [fine, bad, unknown]})
    assert code == 1
    assert lines == ["b 2: PYSEC-1, mended in 3", "not asked about: c (not found)", "2 of 3 packages asked about"]
    code, lines = verdict({"dependencies": [unknown]})
    assert code == 2
    assert lines[-1] == "the advisory service knows none of the 1 packages, or cannot be reached: nothing was audited"
