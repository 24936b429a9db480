"""Files that strangers might send, made by hand: bombs, forgeries, other encodings, and what is no file at all."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import socket
import struct
import zipfile
import zlib
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np

TABLE = "a,b,y\n" + "".join(f"{at / 8},{(at * at) % 7 - 2.5},{at % 2}\n" for at in range(24))
CONFIG = """[data]
kind = "sphere"
n = 12
dim = 4
[network]
width = 32
[training]
steps = 3
learning_rate = 0.5
[finder]
kind = "scan"
[run]
seed = 3
"""
NUMBERS = np.arange(48.0).reshape(12, 4) % 7 - 2.5
SIGNS = np.where(np.arange(12) % 2, 1.0, -1.0)

TEXT_ENDINGS = (".csv", ".tsv")
NESTED = 60_000

ENTRIES = (
    *("nan", "NaN", "inf", "-inf", "Infinity", "1e999", "-1e999", "", " ", "-", "+", ".", "e5", "1e", "1e+", "--1"),
    *("1_0", "0x10", "0x1p3", "1d5", "1f", "1L", "1j", "1+2j", "(1)", "$1", "1%", "1 2", "1.2.3", "1'000", "١", "１"),
    *("True", "NA", "N/A", "NULL", "None", "#", "#1", "//", "=1+1", "\v1", "1\x01", "\x1b[31m1", "\u200b1", "\ufeff1"),
    *("1\0", "\0", "1\0002", '"', '"1', '1"', '"1"2', '"1\n2"', "\\", "1\\", "é", "\U0001f600", "1;2", "1,2", "1\t2"),
    *("9" * 400, "9" * 5000, "x" * 70_000, "." * 5000, "1e" + "9" * 5000, "0." + "0" * 5000 + "1e5001x"),
)
"""What may stand where a number does, and is none."""

DESCRIPTIONS = (
    *("|O", "O", "<O8", "|V0", "|V8", "|S0", "<U0", "<U1000000000", "|S1000000000", "<c16", "<M8[s]", "<m8", "<f3"),
    *("<f16", "", "x", "<f8,<f8", "(1000000000,)<f8", "?" * 50, "b1,O", "<V9999999999", "\\x00", "é", ">f8 "),
)
SHAPES = (
    *("(True, 2)", "(-1, 4)", "(12, -4)", "(99999999999,)", "(99999999999, 99999999999)", "(9223372036854775807, 2)"),
    *("(" + "2," * 70 + ")", "(1," * 40 + ")" * 40, "12", "'12'", "(12.0, 4)", "(12, 4", "[12, 4]", "{12: 4}", "None"),
    *("(0, 99999999999999999999)", "(0, 4)", "(12, 0)", "()", "(1e9,)", "(10**9,)", "(__import__('os').getpid(),)"),
    *("(" * 3000, "(12, 4), 'shape': (24, 2)", "(12, 4), 'more': 1", "(2305843009213693952, 4)", "(48,)", "(2, 3, 8)"),
)
VALUES = (
    *("nan", "inf", "-inf", "-1", "0", "1e400", "9" * 4000, "9" * 5000, "-0", "0x7fffffffffffffff", "true", '""', "[]"),
    *(
        "{}",
        "1979-05-27",
        "07:32:00",
        "[1, [2, [3]]]",
        '"\\u0000"',
        '"' + "x" * 100_000 + '"',
        "'''\n'''",
        "{a = {b = 1}}",
    ),
    *("[" * 5000 + "]" * 5000, "{a=" * 3000 + "1" + "}" * 3000, "[{}, {}]", "0.0", "1e-320", "1_000_000_000_000_000"),
)
"""What may stand for a number of a config, and is none that makes sense."""


def hostile_files(folder: Path) -> Iterator[Path]:
    """Write the files and yield their paths; the name begins with what is the matter."""
    for at, (kind, ending, content) in enumerate(_contents()):
        path = folder / f"{kind}-{at}{ending}"
        path.write_bytes(content)
        yield path
    yield from _nodes(folder)


def npy_header(descr: str = "<f8", shape: str = "(12, 4)", order: str = "False") -> bytes:
    """Return the header of an NPY file, whatever it says."""
    text = f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}".encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", min(len(text), 65535)) + text


def npy_file(descr: str = "<f8", shape: str = "(12, 4)", data: bytes = NUMBERS.tobytes()) -> bytes:
    """Return an NPY file with whatever header before the data."""
    return npy_header(descr, shape) + data


def archive(members: list[tuple[str, bytes]], packed: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a ZIP file of these members."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", packed) as file:
        for name, content in members:
            file.writestr(name, content)
    return stream.getvalue()


def _contents() -> Iterator[tuple[str, str, bytes]]:
    yield from _tables()
    yield from _arrays()
    yield from _archives()
    yield from _configs()


def _tables() -> Iterator[tuple[str, str, bytes]]:
    rows = TABLE.splitlines()
    for ending, entry in product(TEXT_ENDINGS, ENTRIES):
        separator = "\t" if ending == ".tsv" else ","
        changed = [*rows[:7], f"{entry},1.5,0", *rows[8:]]
        if separator in entry or entry == "1,2":
            continue
        yield "entry", ending, "\n".join(changed).replace(",", separator).encode()
    late = TABLE + "1.5,2.5,0\n" * 8000
    for ending, content in (
        ("nothing", b""),
        ("spaces", b" \n\t\n \n"),
        ("header", b"a,b,y\n"),
        ("endless", b"1" * (8 << 20)),
        ("endless", b"1," * (4 << 20)),
        ("endless", b"a" * (8 << 20) + b"\n1,2\n"),
        ("quotation", b'a,b\n"' + b"1,2\n" * 100_000),
        ("quotations", b'"' * (1 << 20)),
        ("nul", late.encode() + b"1\0,2,1\n"),
        ("nul", late.encode() + b"\0"),
        ("nul", late.encode() + b"1,2,0\n\0\n1,2,1\n"),
        ("nuls", b"\0" * 5000),
        ("latin", "ä,b,y\n1,2,0\n2,3,1\n".encode("latin-1")),
        ("late", late.encode() + b"\xff,1,1\n"),
        ("half", TABLE.encode("utf-16")[:-1]),
        ("unmarked", TABLE.encode("utf-16-le")),
        ("unmarked", TABLE.encode("utf-32-be")),
        ("wrong", b"\xff\xfe" + TABLE.encode()[:-1]),
        ("twice", b"\xef\xbb\xbf" * 2 + b"1,2,0\n2,3,1\n"),
        ("ragged", late.encode() + b"1,2\n"),
        ("ragged", late.encode() + b"1,2,1,1\n"),
        ("ragged", b"1,2,1\n" + b"1,2,1,1\n" * 5),
        ("surrogate", TABLE.encode() + b"\xed\xa0\x80,1,1\n"),
        ("overlong", TABLE.encode() + b"\xc0\xb1,1,1\n"),
        ("pickle", pickle.dumps(NUMBERS)),
        ("zip", archive([("x.npy", npy_file())])),
        ("blank", b"\n" * (4 << 20)),
        ("returns", b"\r" * (4 << 20)),
        ("separators", b"," * (2 << 20)),
        ("wide", b"1," * 100_000 + b"1\n" + b"1," * 99_999 + b"1\n"),
        ("quoted", b'"a","b"\n"1","2""\n'),
    ):
        yield ending, ".csv", content
        yield ending, ".tsv", content.replace(b",", b"\t")
    packed = gzip.compress(TABLE.encode())
    for content in (
        gzip.compress(b"1" * (1 << 28)),
        gzip.compress(b"1,2\n" * (1 << 26)),
        gzip.compress(gzip.compress(TABLE.encode())),
        packed[:-1],
        packed[:20],
        packed + b"x" * 8,
        packed[:-5] + bytes([packed[-5] ^ 1]) + packed[-4:],
        b"\x1f\x8b" * 50,
        TABLE.encode(),
        b"",
        gzip.compress(b"\0" * 100),
        gzip.compress(b"1,2\n\xff,1\n"),
    ):
        yield "packed", ".csv.gz", content
        yield "packed", ".tsv.gz", content


def _arrays() -> Iterator[tuple[str, str, bytes]]:
    whole = npy_file()
    headers = [npy_file(descr=descr) for descr in DESCRIPTIONS] + [npy_file(shape=shape) for shape in SHAPES]
    versions = [whole[:6] + bytes([version]) + whole[7:] for version in (0, 2, 3, 4, 255)]
    lengths = [whole[:8] + struct.pack("<H", length) + whole[10:] for length in (0, 1, 60, 10_001, 65535)]
    large = [b"\x93NUMPY\x02\x00" + struct.pack("<I", length) + whole[10:] for length in (0, 70_000, 2**31, 2**32 - 1)]
    cut = [whole[:length] for length in (0, 5, 6, 8, 9, 10, 11, 12, 50, 127, 128, 129, len(whole) - 1)]
    special = [np.where(NUMBERS == 1.5, value, NUMBERS).tobytes() for value in (np.nan, np.inf, -np.inf)]
    objects = io.BytesIO()
    np.save(objects, np.array([[Exploding(), 1], [2, 3]], dtype=object), allow_pickle=True)
    contents = [*headers, *versions, *lengths, *large, *cut, whole + b"\0", whole * 2, objects.getvalue()]
    contents += [npy_file(data=data) for data in special]
    contents += [pickle.dumps(Exploding()), b"PK\x03\x04" + b"\0" * 30, b"\x93NUMPY" + b"\xff" * 2000]
    contents += [npy_header(order=order) + NUMBERS.tobytes() for order in ("None", "1", "'no'", "[", "True or x")]
    for content in contents:
        yield "array", ".npy", content
        yield "array", ".npz", archive([("x.npy", content), ("y.npy", npy_file(shape="(12,)", data=SIGNS.tobytes()))])


class Exploding:
    """What makes a file of its own when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str, int]]:
        return (os.open, (str(Path("was-unpickled").absolute()), os.O_CREAT | os.O_WRONLY))


def _archives() -> Iterator[tuple[str, str, bytes]]:
    x, y = ("x.npy", npy_file()), ("y.npy", npy_file(shape="(12,)", data=SIGNS.tobytes()))
    bomb = npy_header("<f8", f"({1 << 27},)") + bytes(1 << 24)
    one_value = npy_file("<f8", f"({1 << 25}, 1)", b"") + bytes(1 << 28)
    for members in (
        *([], [x], [y], [x, x, y], [x, y, ("inputs.npy", x[1])], [x, y, ("X.npy", x[1])], [("x", b""), y]),
        *([("../x.npy", x[1]), y], [("/x.npy", x[1]), y], [("x.npy/", b""), y], [("x\0.npy", x[1])]),
        *([("x.npy", bomb), y], [("x.npy", one_value), y], [x, ("y.npy", one_value)], [x, ("y.npy", x[1][:-8])]),
        *([("x.npy", pickle.dumps(Exploding())), y], [("x.npy", archive([x])), y], [("a" * 60_000 + ".npy", x[1]), y]),
        *(
            [("x.npy", x[1]), ("y.npy", npy_file(shape="(6,)", data=SIGNS.tobytes()[:48]))],
            [(f"{at}", b"") for at in range(3000)],
        ),
    ):
        yield "archive", ".npz", archive(members)
        yield "archive", ".npz", archive(members, zipfile.ZIP_STORED)
    for packed, cut in product((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED), (1, 22, 60, 100, 300)):
        yield "cut", ".npz", archive([x, y], packed)[:-cut]
    for packed in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        yield "method", ".npz", archive([x, y], packed)
    yield from (("forged", ".npz", content) for packed in (0, 8) for content in _forged(archive([x, y], packed)))
    for content in (
        b"",
        b"PK\x05\x06" + b"\0" * 18,
        b"PK\x05\x06" + b"\xff" * 18,
        pickle.dumps(Exploding()),
        b"\0" * 4096,
    ):
        yield "archive", ".npz", content


def _forged(whole: bytes) -> Iterator[bytes]:
    """Yield archives whose directory says something else of the first array than is there."""
    directory = whole.index(b"PK\x01\x02")
    fields = {"flags": (8, "<H"), "method": (10, "<H"), "crc": (16, "<I"), "packed": (20, "<I"), "size": (24, "<I")}
    for place, form in {**fields, "name": (28, "<H"), "extra": (30, "<H"), "offset": (42, "<I")}.values():
        values = (1, 9, 0xFFFF) if form == "<H" else (0, 1, 2**31, 2**32 - 1)
        for value in values:
            changed = bytearray(whole)
            struct.pack_into(form, changed, directory + place, value)
            yield bytes(changed)
    end = whole.rindex(b"PK\x05\x06")
    for place, form, value in ((10, "<H", 65535), (12, "<I", 2**31), (16, "<I", 0), (12, "<I", 0), (8, "<H", 9)):
        changed = bytearray(whole)
        struct.pack_into(form, changed, end + place, value)
        yield bytes(changed)
    deflated = zlib.compress(b"x" * 1000)
    yield whole[:60] + deflated + whole[60:]


def _configs() -> Iterator[tuple[str, str, bytes]]:
    for key in ("n = 12", "width = 32", "steps = 3", "learning_rate = 0.5", "seed = 3"):
        for value in VALUES:
            yield "value", ".toml", CONFIG.replace(key, f"{key.split(' ')[0]} = {value}").encode()
    for content in (
        *(b"", b"\0" * 100, CONFIG.encode() + b"\0", CONFIG.encode()[:-1] + b"\x01\n", CONFIG.encode("utf-16-le")),
        *(CONFIG.encode() + b"\xff", b"x = " + b"[" * NESTED, b"[" * NESTED, ("a." * NESTED + "b = 1").encode()),
        *(CONFIG.encode() + b"\n[run]\nseed = 4\n", CONFIG.encode() + b"seed = 4\n", b"[[data]]\nkind = 'sphere'\n"),
        *(b"#" * (2 << 20), b"\n" * (2 << 20), b'a = "' + b"x" * 900_000, b"a = 1\n" * 2, b"x" * 1_000_000),
        *(("[" + "a." * 20_000 + "b]\n").encode(), "".join(f"[a{at}]\n" for at in range(60_000)).encode()),
        *(
            CONFIG.replace("sphere", kind).encode()
            for kind in ("\0", "", "sphere ", "file", "../x", "é" * 1000, "spher")
        ),
        *(
            CONFIG.replace('"scan"', kind).encode()
            for kind in ('"os:system"', '"builtins:eval"', "1", '"../x"', '""', "[]")
        ),
        *(
            CONFIG.replace(name, other).encode()
            for name, other in (("[data]", "data"), ("[run]", "[runs]"), ("= 12", "12"))
        ),
        pickle.dumps(Exploding()),
        CONFIG.replace("seed = 3", "[run.deep]\nseed = 3").encode(),
        CONFIG.replace("n = 12", "n = 12\n__class__ = 1").encode(),
        b"data = 1\nnetwork = [1]\ntraining = '2'\nrun = 1979-05-27\nfinder = nan\nfinders = true\nadversary = 0",
    ):
        yield "config", ".toml", content


def _nodes(folder: Path) -> Iterator[Path]:
    """Yield what is no regular file of a sensible size."""
    for ending in (".csv", ".tsv", ".csv.gz", ".npy", ".npz", ".toml"):
        for kind in ("pipe", "folder", "socket", "dangling", "circle", "absent", "zero", "full", "sparse", "memory"):
            path = folder / f"{kind}{ending}"
            _node(path, kind)
            yield path


def _node(path: Path, kind: str) -> None:
    links = {
        "dangling": "nowhere",
        "circle": path.name,
        "zero": "/dev/zero",
        "full": "/dev/full",
        "memory": "/proc/kmsg",
    }
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(os.path.relpath(path))
    elif kind in links:
        path.symlink_to(links[kind])
    elif kind == "sparse":
        with path.open("wb") as file:
            file.truncate(10 << 30)
