"""Documents of a study that say something else, with a manifest that agrees: one error, or nothing lost."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hybrid_train.cli import main
from tests.support.manifests import signed

COUNT = ["count", "--widths", "64,128", "--strategies", "known_k,bbht", "--trials", "3"]
DOCUMENTS = ("summary.json", "rows.jsonl", "request.json", "manifest.json")
HOSTILE = {
    "nothing": b"",
    "null": b"null\n",
    "a list": b"[]\n",
    "no numbers": b'{"status": NaN, "rows": [Infinity], "files": {"summary.json": {"bytes": -Infinity}}}\n',
    "too deep": b"[" * 100_000,
    "objects too deep": b'{"value":' * 50_000 + b"1" + b"}" * 50_000 + b"\n",
    "a huge integer": b'{"key": "x", "value": 1' + b"0" * 5000 + b"}\n",
    "no text": b'{"status": "\xff"}\n',
    "half a letter": b'{"status": "\\ud800", "key": "\\ud800", "value": 1}\n',
}
CHANGED: dict[str, Callable[[bytes], bytes]] = {
    "with a mark": lambda text: b"\xef\xbb\xbf" + text,
    "as UTF-16": lambda text: text.decode().encode("utf-16"),
    "a key twice": lambda text: text.replace(b"{", b'{"status": 3, "key": [], "status": {}, ', 1),
    "every line twice": lambda text: text + text,
    "the lines turned round": lambda text: b"".join(reversed(text.splitlines(keepends=True))),
    "other kinds of value": lambda text: text.replace(b": 64", b': "64"').replace(b": 128", b": [128]"),
}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("study") / "count"
    assert main([*COUNT, "--quiet", "--out", str(path)]) == 0
    return path


@pytest.mark.parametrize("what", [*HOSTILE, *CHANGED])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_one_error_or_nothing_lost(
    name: str, what: str, study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def rows(path: Path) -> Any:
        return json.loads((path / "summary.json").read_text(encoding="utf-8"))["rows"]

    path = tmp_path / "count"
    shutil.copytree(study, path)
    text = (path / name).read_bytes()
    (path / name).write_bytes(HOSTILE[what] if what in HOSTILE else CHANGED[what](text))
    if name != "manifest.json":
        signed(path)
    code = main([*COUNT, "--quiet", "--resume", str(path)])
    told = capsys.readouterr().err
    if code == 0:
        assert rows(path) == rows(study)
        return
    assert code in {1, 2}
    assert told.startswith("hybrid-train: error: ")
    assert len(told) < 2000
    assert str(path) in told


@pytest.mark.parametrize("value", ["x", None, [1], {"a": 1}, True, -1, 10**400])
@pytest.mark.parametrize("column", ["m", "searches", "total_calls_sem", "scan", "predicted", "predicted_within", "k"])
def test_a_row_of_another_kind_is_one_error_that_names_the_file(
    column: str, value: Any, study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "count"
    shutil.copytree(study, path)
    records = [json.loads(line) for line in (path / "rows.jsonl").read_text(encoding="utf-8").splitlines()]
    records[0]["value"][column] = value
    (path / "rows.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    signed(path)
    code = main([*COUNT, "--quiet", "--resume", str(path)])
    told = capsys.readouterr().err
    assert code == 0 or (told.startswith("hybrid-train: error: ") and "rows.jsonl: not what this study keeps" in told)
