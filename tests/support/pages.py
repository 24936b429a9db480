"""Runs the code blocks of Markdown pages: commands in this process, Python with one namespace a page, configs checked.

In a block of ``console`` each line that begins with ``$`` is a command; what follows is its output, of a refused one
its errors, where ``...`` stands for anything and runs of spaces are one. Commands of other programs (pip, make) are not
run. A block of ``toml`` is a config, or some of its sections.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE, OutputChecker
from pathlib import Path
from typing import Any

import hybrid_train
from hybrid_train.cli import main

ROOT = Path(__file__).parents[2]

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_OURS = "hybrid-train"
_OTHERS = ("pip", "make", "git", "python", "cd")
_BASE: dict[str, Any] = {"data": {"kind": "sphere", "n": 4, "dim": 2}, "network": {"width": 8}}


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        kind: "python", "console" or "toml", for example.
        text: between the fences.
        line: of its first fence, for messages.
    """

    kind: str
    text: str
    line: int


def blocks_of(page: Path) -> list[Block]:
    """Return the fenced blocks of a page that name a language."""
    text = page.read_text(encoding="utf-8")
    return [Block(found[1], found[2], text.count("\n", 0, found.start()) + 1) for found in _BLOCK.finditer(text)]


@dataclass
class Reader:
    """Somebody who types what a page says, from the current folder.

    Attributes:
        page: what is read.
        ran: what was run, in words.
        skipped: commands of other programs.
    """

    page: Path
    ran: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    _names: dict[str, Any] = field(default_factory=lambda: {"__name__": "page"})

    def read(self) -> None:
        """Run every block, in order."""
        for block in blocks_of(self.page):
            where = f"{self.page.name}:{block.line}"
            match block.kind:
                case "python":
                    exec(compile(block.text, where, "exec"), self._names)
                    self.ran.append(where)
                case "console":
                    for command, expected in _commands(block.text):
                        self._type(command, expected, where)
                case "toml":
                    _check_config(block.text)
                    self.ran.append(where)

    def _type(self, command: str, expected: str, where: str) -> None:
        words = shlex.split(command, comments=True)
        if words[0] in _OTHERS:
            self.skipped.append(command)
            return
        assert words[0] == _OURS, f"{where}: nobody can run {command!r}"
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(words[1:])
        refused = expected.startswith("hybrid-train: error:")
        said = err.getvalue()
        assert (code != 0) == refused, f"{where}: {command!r} ended with {code}: {said}"
        printed = said if refused else out.getvalue()
        if expected:
            found = OutputChecker().check_output(expected, printed, ELLIPSIS | NORMALIZE_WHITESPACE)
            assert found, f"{where}: {command!r} printed\n{printed}\nwhere the page has\n{expected}"
        self.ran.append(command)


def _commands(text: str) -> Iterator[tuple[str, str]]:
    """Yield each command of a console block with the output that follows it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def _check_config(text: str) -> None:
    """Refuse what is no valid config: sections that are not there are those of a small one."""
    tables = tomllib.loads(text)
    if not tables.keys() <= {"data", "network", "training", "finder", "finders", "run", "adversary"}:
        return  # a file of another kind, which was valid TOML
    hybrid_train.load_config(_BASE | tables)
