"""``hybrid-train report``: the page of a results directory, whoever wrote it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid_train.config import load_config
from hybrid_train.config.toml import toml_text
from hybrid_train.errors import CheckpointError, ConfigError, HybridTrainError
from hybrid_train.experiments.citing import bibtex, bibtex_of_strategies
from hybrid_train.experiments.folder import CONFIG, REQUEST, SUMMARY, read_request
from hybrid_train.experiments.manifest import Manifest
from hybrid_train.experiments.results import read_run
from hybrid_train.support.declared import checked, optional
from hybrid_train.support.declared import path as path_kind
from hybrid_train.support.files import write_text
from hybrid_train.support.messages import printable
from hybrid_train.support.untrusted import GIB, memory_limit, read_bytes, reading

if TYPE_CHECKING:
    from hybrid_train.report.page import Subject

PAGE = "report.html"
_GROWTH = 8
_PLACE = "results/again"


@checked(directory=path_kind(), out=optional(path_kind()))
def write_report(directory: str | os.PathLike[str], out: str | os.PathLike[str] | None = None) -> Path:
    """Write one self-contained HTML page about a results directory; return the file.

    Args:
        directory: of a run, a comparison, a count, a theory check, a crossover or a sweep, complete or not.
        out: the file; by default ``report.html`` in the directory. One that is there is replaced.

    Raises:
        CheckpointError: no results there, a file is damaged or another than was written, or the page cannot be written.
        ConfigError: ``out`` is a directory, or the config of a run is not valid any more.
    """
    from hybrid_train.report.page import page_html  # Matplotlib and Jinja2 are slow to load

    target = Path(directory) / PAGE if out is None else Path(out)
    if target.is_dir():
        raise ConfigError(f"out={str(target)!r}: is a directory; name a file")
    name = f"directory={printable(repr(os.fspath(directory)))}"
    subject = read_results(directory)
    with reading(name, CheckpointError, "its summary is damaged"):
        page = page_html(subject)
    write_text(target, page)
    return target


def read_results(directory: str | os.PathLike[str]) -> Subject:
    """Read a results directory of any command, checked against its manifest.

    Raises:
        CheckpointError: no results there, or a file is damaged or another than was written.
        ConfigError: the config of a run is not valid any more.
    """
    from hybrid_train.report.page import Subject

    path = Path(directory)
    name = f"directory={printable(repr(os.fspath(directory)))}"
    with reading(name, CheckpointError, "its summary is damaged"):
        single = (path / CONFIG).is_file()
        if not single and not (path / SUMMARY).is_file():
            raise CheckpointError(f"{name}: holds no results ({SUMMARY} is missing)")
        if single:
            run = read_run(path)
            document, environment = run.summary or {"status": "running", "rows": []}, run.environment
        else:
            Manifest.read(path).check(path)
            document, environment = _read_object(path / SUMMARY), {}
        request = read_request(path) if (path / REQUEST).exists() else {}
        command = "run" if single else str(request.get("command", "results"))
        tables = document.get("config", request.get("config"))
        return Subject(
            command=command,
            name=path.resolve().name or str(path),
            document=document,
            request=request,
            environment=environment,
            config=toml_text(tables) if isinstance(tables, dict) else None,
            again=_again(command, request),
            bibtex=_cited(document, request, tables),
        )


def _read_object(path: Path) -> dict[str, Any]:
    name = printable(os.fspath(path))
    with reading(name, CheckpointError, "not valid JSON"):
        document = json.loads(read_bytes(path, memory_limit(GIB, _GROWTH)).decode("utf-8"))
    if not isinstance(document, dict):
        raise CheckpointError(f"{name}: not a JSON object")
    return document


def _cited(document: dict[str, Any], request: dict[str, Any], tables: Any) -> str:
    """Return what to cite; nothing where the config is not valid here, that of a finder not installed, say."""
    rows = document.get("rows")
    named = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    try:
        if isinstance(tables, dict):
            kinds = dict.fromkeys(row["finder"] for row in named if isinstance(row.get("finder"), str))
            return bibtex(load_config(tables), list(kinds))
        strategies = dict.fromkeys(row["strategy"] for row in named if isinstance(row.get("strategy"), str))
        return bibtex_of_strategies(list(strategies))
    except HybridTrainError:
        return ""


def _again(command: str, request: dict[str, Any]) -> str:
    """Return the command that repeats a result."""
    program = f"hybrid-train {command}"
    if command in {"run", "theory"}:
        more = " --no-costs" if command == "theory" and request.get("costs") is False else ""
        told = "".join(f" --{key} {_comma(request[key])}" for key in ("widths", "seeds") if request.get(key))
        return f"{program} config.toml{more}{told if command == 'theory' else ''} --out {_PLACE}"
    if command == "compare":
        finders, indexes = _comma(request.get("finders")), _comma(request.get("indexes"))
        return f"{program} config.toml --finders {finders} --index {indexes} --out {_PLACE}"
    if command == "reproduce":
        quick = " --quick" if request.get("quick") else ""
        told = f"{quick} --claims {_comma(request.get('claims'))} --seed {request.get('seed')}"
        return f"{program} {request.get('paper')}{told} --out {_PLACE}"
    if command == "count --along":
        told = " ".join(f"--{key} {_comma(request.get(key))}" for key in ("strategies", "delta", "scope"))
        return f"{program} config.toml {told} --out {_PLACE}"
    if command == "sweep":
        grid = request.get("grid")
        keys = [f"--grid {key}={_comma(values)}" for key, values in grid.items()] if isinstance(grid, dict) else []
        return " ".join([f"{program} config.toml", *keys, f"--seeds {_comma(request.get('seeds'))}", f"--out {_PLACE}"])
    options = request.get("options")
    given = options if isinstance(options, dict) else {}
    plan = [one for one in request.get("plan", []) if isinstance(one, list) and len(one) == 3]
    asked = {"widths": _unique(plan, 0), "strategies": _unique(plan, 2)} if plan else {}
    if plan and given.get("index") == "neurons":  # one count for each width, also where theory named it
        asked["counts"] = ",".join(str(count) for count in {one[0]: one[1] for one in plan}.values())
    if "warm" not in asked.get("strategies", "warm").split(","):
        given = {key: value for key, value in given.items() if key != "newcomers"}
    flags = [f"--{key.replace('_', '-')} {value}" for key, value in (asked | _flags(given)).items()]
    return " ".join([program, *flags, f"--out {_PLACE}"])


def _flags(options: dict[str, Any]) -> dict[str, str]:
    kept = {key: value for key, value in options.items() if value not in (None, [])}
    if "physical" not in kept:
        kept.pop("error_budget", None)
    if kept.get("index") == "neurons" and kept.get("scope", "query") == "query":
        kept.pop("n", None)
    return {key: _comma(value) if isinstance(value, list) else str(value) for key, value in kept.items()}


def _unique(plan: list[list[Any]], place: int) -> str:
    return ",".join(dict.fromkeys(str(one[place]) for one in plan))


def _comma(values: Any) -> str:
    return ",".join(map(str, values)) if isinstance(values, list) else str(values)
