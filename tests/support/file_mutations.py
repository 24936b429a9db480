"""Valid files changed at random where their formats have joints: entries, lines, headers, members, keys, encodings."""

from __future__ import annotations

import gzip
import random
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.support.hostile_files import (
    CONFIG,
    DESCRIPTIONS,
    ENTRIES,
    SHAPES,
    SIGNS,
    TABLE,
    VALUES,
    archive,
    npy_file,
)

WORDS = TABLE.replace(",0\n", ",no\n").replace(",1\n", ",yes\n")
BARE = "".join(line for line in TABLE.splitlines(keepends=True)[1:])
CODINGS = ("utf-8-sig", "utf-16", "utf-32", "utf-16-be", "latin-1", "utf-7", "cp037")


def mutated_files(folder: Path, count: int, seed: int) -> Iterator[Path]:
    """Write ``count`` files, each of one to three changes, and yield their paths."""
    drawn = random.Random(seed)
    makers: tuple[tuple[str, Callable[[random.Random], bytes]], ...] = (
        (".csv", _table),
        (".tsv", lambda drawn: _table(drawn).replace(b",", b"\t")),
        (".csv.gz", lambda drawn: _torn(drawn, gzip.compress(_table(drawn), 1))),
        (".npy", _array),
        (".npz", _archive),
        (".toml", _config),
    )
    for at in range(count):
        ending, make = makers[at % len(makers)]
        path = folder / f"mutation-{seed}-{at}{ending}"
        path.write_bytes(make(drawn))
        yield path


def _table(drawn: random.Random) -> bytes:
    rows = [line.split(",") for line in drawn.choice((TABLE, WORDS, BARE)).splitlines()]
    for _ in range(drawn.randint(1, 3)):
        at = drawn.randrange(len(rows))
        column = drawn.randrange(len(rows[at]) or 1)
        change = drawn.randrange(8)
        if change < 3 and rows[at]:
            rows[at][column] = drawn.choice(ENTRIES)
        elif change == 3:
            rows[at] = rows[at][:column]
        elif change == 4:
            rows.insert(at, list(rows[drawn.randrange(len(rows))]))
        elif change == 5:
            rows.insert(at, [drawn.choice(("", " ", '""', "\t"))])
        elif change == 6:
            rows[at] = [drawn.choice(('"{}"', " {} ", '"{}', "+{}", "{}e0", "'{}'", "{}#")).format(e) for e in rows[at]]
        else:
            rows[at].insert(column, drawn.choice(ENTRIES[:30]))
    separator = drawn.choice((",", ",", ",", ";", "\t", "|", ", "))
    text = drawn.choice(("\n", "\n", "\r\n", "\r", "\n\n", "\u2028")).join(separator.join(row) for row in rows)
    coding = drawn.choice(("utf-8", "utf-8", "utf-8", *CODINGS))
    return _torn(drawn, text.encode(coding, "replace"))


def _array(drawn: random.Random, shape: str = "(12, 4)", size: int = 48) -> bytes:
    descr = drawn.choice(("<f8", "<f8", "<f4", "<i8", "|b1", ">f8", "<u2", "<f2", *DESCRIPTIONS))
    shape = drawn.choice((shape, shape, *SHAPES))
    width = int(re.sub(r"\D", "", descr) or "8") % 17
    return _torn(drawn, npy_file(descr, shape, drawn.randbytes(size * width)))


def _archive(drawn: random.Random) -> bytes:
    x, y = npy_file(), npy_file(shape="(12,)", data=SIGNS.tobytes())
    if drawn.random() < 0.5:
        x = _array(drawn)
    if drawn.random() < 0.3:
        y = _array(drawn, "(12,)", 12)
    of_x = drawn.choice(("x.npy", "x.npy", "inputs.npy", "X.npy", "x"))
    of_y = drawn.choice(("y.npy", "y.npy", "targets.npy"))
    packed = drawn.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    return _torn(drawn, archive([(of_x, x), (of_y, y)], packed))


def _config(drawn: random.Random) -> bytes:
    lines = CONFIG.splitlines()
    for _ in range(drawn.randint(1, 3)):
        at = drawn.randrange(len(lines))
        key, equals, _value = lines[at].partition(" = ")
        change = drawn.randrange(6)
        if change < 3 and equals:
            lines[at] = f"{key} = {drawn.choice(VALUES)}"
        elif change == 3:
            lines.insert(at, lines[drawn.randrange(len(lines))])
        elif change == 4:
            lines.pop(at)
        else:
            lines[at] = drawn.choice(("{}x", "[{}]", '"{}"', "{} # x", "{}.a", "a.{}")).format(lines[at])
        lines = lines or [""]
    text = drawn.choice(("\n", "\n", "\r\n", "\r", "\x0b")).join(lines)
    return _torn(drawn, text.encode(drawn.choice(("utf-8", "utf-8", "utf-8", *CODINGS)), "replace"))


def _torn(drawn: random.Random, data: bytes) -> bytes:
    """Return bytes with, one time in two, some cut off, turned over, put in or said twice."""
    if not data or drawn.random() < 0.5:
        return data
    at, to = sorted(drawn.randrange(len(data) + 1) for _ in range(2))
    changed = bytearray(data)
    change = drawn.randrange(6)
    if change == 0:
        return data[:at]
    if change == 1:
        return data[:at] + data[to:]
    if change == 2:
        return data[:to] + data[at:]
    if change == 3:
        return (
            data[:at]
            + drawn.choice((b"\0", b"\xff", b"\xef\xbb\xbf", b"\n", b"\r", b'"', b"\x1a", b"PK\x05\x06"))
            + data[at:]
        )
    for _ in range(drawn.randint(1, 4)):
        changed[drawn.randrange(len(changed))] ^= 1 << drawn.randrange(8)
    return bytes(changed)
