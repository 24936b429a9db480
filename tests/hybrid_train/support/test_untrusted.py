from __future__ import annotations

import gzip
import os
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from hybrid_train.config import load_config
from hybrid_train.data import from_file
from hybrid_train.errors import CheckpointError, ConfigError, DataError, HybridTrainError
from hybrid_train.experiments.results import read_checkpoint, read_metrics, read_run

SPARSE = 10 * 2**30


def readers(path: Path) -> list[tuple[type[HybridTrainError], object, Path]]:
    data = [(DataError, from_file, path.with_suffix(end)) for end in (".csv", ".tsv", ".npz", ".npy")]
    others = [(ConfigError, load_config), (CheckpointError, read_metrics), (CheckpointError, read_checkpoint)]
    return [*data, *((error, reader, path) for error, reader in others)]


@pytest.mark.parametrize("kind", ["pipe", "device", "directory", "socket", "sparse"])
def test_no_reader_waits_for_or_swallows_what_is_no_ordinary_file(tmp_path: Path, kind: str) -> None:
    for error, reader, path in readers(tmp_path / "x"):
        path.unlink(missing_ok=True) if not path.is_dir() else path.rmdir()
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "device":
            path.symlink_to("/dev/zero")
        elif kind == "directory":
            path.mkdir()
        elif kind == "socket":
            with socket.socket(socket.AF_UNIX) as listening:
                listening.bind(os.path.relpath(path))
        else:
            with path.open("wb") as file:
                file.truncate(SPARSE)
        if kind == "sparse" and reader is read_checkpoint:
            continue  # weights may be as large
        with pytest.raises(error, match="at most .* is read" if kind == "sparse" else "not a file but a"):
            reader(path)


@pytest.mark.parametrize("path", ["a\0b", "x" * 300, "~nosuchuser/x", "\udc80"])
def test_no_path_raises_a_foreign_error(path: str) -> None:
    for end in (".csv", ".npz", ".npy"):
        with pytest.raises(DataError):
            from_file(path + end)
    with pytest.raises(ConfigError):
        load_config(path)
    with pytest.raises(ConfigError if "\0" in path else CheckpointError):  # no file can have such a name
        read_run(path)
    with pytest.raises(CheckpointError):
        read_checkpoint(Path(path))


def header(text: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def of_shape(shape: str, kind: str = "<f8") -> bytes:
    return header(f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}}}\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (header("[" * 9000), "write it with"),
        (of_shape("(True, 2)"), "no valid shape"),
        (of_shape("(-1, 2)"), "no valid shape"),
        (of_shape("(9000000000000,)", "|V0"), "no valid shape"),
        (of_shape("(99999999999, 99999999999)"), r"takes .* GiB; at most .* is read"),
        (of_shape("(4, 2)"), "is damaged: 64 bytes by its header, 0 bytes there"),
        (of_shape("(1,)", "|O"), "never unpickled"),
        (b"\x93NUMPY\x02\x00\xff\xff", "is no array"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\x0f" + bytes(40), "header of .* MiB"),
    ],
)
@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, None])
def test_sizes_are_believed_only_where_they_agree(
    tmp_path: Path, content: bytes, message: str, packing: int | None
) -> None:
    path = tmp_path / ("a.npy" if packing is None else "a.npz")
    if packing is None:
        path.write_bytes(content)
    else:
        with zipfile.ZipFile(path, "w", packing) as archive:
            archive.writestr("x.npy", content)
            archive.writestr("y.npy", content)
    with pytest.raises(DataError, match=message):
        from_file(path)


def test_archives_that_are_encrypted_or_packed_otherwise_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x=np.eye(2), y=[1.0, 2.0])
    raw = path.read_bytes().replace(b"PK\x01\x02\x2d\x03\x2d\x00\x00", b"PK\x01\x02\x2d\x03\x2d\x00\x01")
    assert raw != path.read_bytes()
    path.write_bytes(raw)
    with pytest.raises(DataError, match="is encrypted"):
        from_file(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("x.npy", of_shape("()"))
        archive.writestr("y.npy", of_shape("()"))
    with pytest.raises(DataError, match="unknown way"):
        from_file(path)


def test_what_is_packed_too_well_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hybrid_train.data.file._LARGEST", 1000)
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"1,2\n" * 1000))
    assert path.stat().st_size < 1000
    with pytest.raises(DataError, match="unpacks to more than 1000 bytes"):
        from_file(path)


_FUZZ = """
import random, resource, sys
from pathlib import Path
import numpy as np
from hybrid_train.config import load_config
from hybrid_train.data import from_file
from hybrid_train.errors import HybridTrainError
from hybrid_train.experiments.results import read_checkpoint, read_metrics, read_run
import pandas

folder = Path(sys.argv[1])
table = "a,b,y\\n" + "".join(f"{i / 7},{i * i},{i % 3}\\n" for i in range(30))
np.savez(folder / "a.npz", x=np.eye(6), y=np.arange(6) % 3)
np.savez_compressed(folder / "b.npz", x=np.eye(6), y=np.arange(6) % 3)
np.savez(folder / "c.npz", weights=np.eye(3), output_weights=np.ones((3, 1)), threshold=0.5, step=3)
np.save(folder / "a.npy", np.eye(6) + 1)
toml = b"[data]\\nkind = 'sphere'\\nn = 8\\ndim = 3\\n"
toml += b"[training]\\nsteps = 3\\nlearning_rate = 0.5\\n[finder]\\nkind = 'scan'\\n"
(folder / "config.toml").write_bytes(toml)
(folder / "metrics.jsonl").write_text('{"step": 0}\\n')
seeds = [
    (".csv", table.encode(), from_file), (".tsv", table.replace(",", "\\t").encode(), from_file),
    (".npz", (folder / "a.npz").read_bytes(), from_file), (".npz", (folder / "b.npz").read_bytes(), from_file),
    (".npy", (folder / "a.npy").read_bytes(), from_file), (".npz", (folder / "c.npz").read_bytes(), read_checkpoint),
    (".toml", toml, load_config), (".jsonl", b'{"step": 0}\\n{"step": 1, "loss": 0.5}\\n', read_metrics),
    (".json", b'{"versions": {"numpy": "1"}, "seeds": [1, 2]}', None),
]
resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
draw = random.Random(5)
def mutated(data):
    data = bytearray(data)
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(data) + 1)
        choice = draw.randrange(5)
        if choice == 0: data[at:at + 1] = bytes([draw.randrange(256)])
        elif choice == 1:
            data[at:at] = draw.choice([b"[" * 3000, b"9" * 5000, b"\\0", b"\\xff", b"\\n", b",", b'"', b"="])
        elif choice == 2: del data[at:at + draw.randrange(40)]
        elif choice == 3: data[at:at] = data[:draw.randrange(60)]
        else: data[at:at + 4] = draw.choice([b"\\xff" * 4, b"\\0" * 4, b"\\x7f\\xff\\xff\\xff"])
    return bytes(data)
refused = read = 0
for turn in range(60):
    for end, data, reader in seeds:
        path = folder / ("environment.json" if reader is None else f"m{end}")
        path.write_bytes(mutated(data))
        try:
            (reader or (lambda path: read_run(folder)))(path)
            read += 1
        except HybridTrainError as error:
            assert str(error).replace("\\n", "").isprintable(), str(error)
            refused += 1
print(read, refused)
"""


def test_damaged_files_raise_no_error_but_ours_in_little_memory(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _FUZZ, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    read, refused = map(int, done.stdout.split())
    assert read > 20
    assert refused > 200
