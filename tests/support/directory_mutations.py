"""Results directories and network files of whole runs, changed at random: by bits, by arrays, by files."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import hybrid_train
from hybrid_train.experiments.results import read_checkpoint, read_run
from hybrid_train.network.storing import trained_banks

CONFIGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "seeded": {"network": {"width": 64, "storage": "seeded"}, "finder": {"kind": "skin"}},
    "live": {"network": {"width": 512, "storage": "live"}, "finder": {"kind": "skin"}},
    "deep": {"network": {"kind": "residual", "width": 8, "depth": 2}},
    "convolutional": {
        "network": {"kind": "convolutional", "grid": [2, 2], "kernel": 1, "channels": [4]},
        "data": {"dim": 4},
    },
}
READ = {"request.json", "config.toml", "metrics.jsonl", "summary.json", "environment.json", "manifest.json"}


def _tables(name: str) -> dict[str, Any]:
    tables: dict[str, Any] = {
        "data": {"kind": "sphere", "n": 6, "dim": 4},
        "network": {"width": 32},
        "training": {"steps": 3},
        "finder": {"kind": "scan"},
        "run": {"checkpoint": 2},
    }
    return {key: (table | CONFIGS[name].get(key, {})) for key, table in tables.items()}


def mutated_directories(folder: Path, count: int, seed: int) -> Iterator[Path]:
    """Write ``count`` results directories, each of one change to what a run left, and yield their paths."""
    drawn, runs = random.Random(seed), _runs(folder)
    for at in range(count):
        name = drawn.choice(list(runs))
        path = folder / f"run-{name}-{seed}-{at}"
        shutil.copytree(runs[name], path)
        files = sorted(file for file in path.rglob("*") if file.is_file() and _is_read(file))
        _change(drawn, drawn.choice(files), files, runs[drawn.choice(list(runs))])
        yield path


def mutated_networks(folder: Path, count: int, seed: int) -> Iterator[Path]:
    """Write ``count`` network files whose arrays are those of a run but for one or two, and yield their paths."""
    drawn, runs = random.Random(seed), _runs(folder)
    for at in range(count):
        (source,) = (runs[drawn.choice(list(runs))] / "checkpoints").glob("step-*.npz")
        with np.load(source) as archive:
            arrays = dict(archive)
        for _ in range(drawn.randint(1, 2)):
            name = drawn.choice(sorted(arrays))
            changed = _array(drawn, arrays[name], arrays)
            arrays.pop(name)
            if changed is not None:
                arrays[name] = changed
            if not arrays:
                break
        path = folder / f"network-{seed}-{at}.npz"
        np.savez(path, **arrays)
        yield path


def fault_of_directory(path: Path) -> str:
    """Return what a changed directory was silently taken for; nothing where it is refused or says the same.

    Raises:
        HybridTrainError: it is refused.
    """
    read, model = read_run(path), hybrid_train.load(path)
    whole = path.parent / f"whole-{path.name.split('-')[1]}"
    before, after = _content(read_run(whole), hybrid_train.load(whole)), _content(read, model)
    return "" if before == after else "another run than the one that was written"


def fault_of_network(path: Path) -> str:
    """Use a network as its owner would; return what is wrong with what it says.

    Raises:
        HybridTrainError: it is refused.
    """
    found = read_checkpoint(path)
    if "network" not in found:
        return ""
    network = found["network"]
    dimension = getattr(network, "dimension", trained_banks(network)[0].shape[1])
    if not all(np.isfinite(bank[:]).all() for bank in trained_banks(network)):
        return "weights that are not finite"
    with np.errstate(all="ignore"):
        network.predict(np.ones((2, min(dimension, 1000))) / 3.0)
    return ""


@cache
def _runs(folder: Path) -> dict[str, Path]:
    places = {name: folder / f"whole-{name}" for name in CONFIGS}
    for name, place in places.items():
        hybrid_train.run(_tables(name), out=place)
    return places


def _content(read: Any, model: Any) -> bytes:
    banks = b"".join(bank[:].tobytes() for bank in trained_banks(model.network))
    said = [read.config.as_dict(), read.environment, read.metrics, read.summary, sorted(read.checkpoints)]
    return json.dumps(said, default=str, sort_keys=True).encode() + banks


def _is_read(file: Path) -> bool:
    return file.name in READ or file.suffix == ".npz"


def _change(drawn: random.Random, file: Path, files: list[Path], other: Path) -> None:
    data = file.read_bytes()
    at = drawn.randrange(len(data)) if data else 0
    match drawn.randrange(9):
        case 0:
            file.write_bytes(data[:at])
        case 1:
            file.unlink()
        case 2:
            file.unlink()
            os.mkfifo(file)
        case 3:
            file.unlink()
            file.symlink_to("/dev/zero")
        case 4:
            file.write_bytes(drawn.choice(files).read_bytes())
        case 5:
            theirs = other / file.relative_to(file.parents[1] if file.parent.name == "checkpoints" else file.parent)
            file.write_bytes(theirs.read_bytes() if theirs.exists() else b"{}")
        case 6:
            digits = [place for place, byte in enumerate(data) if byte in b"0123456789"] or [at]
            place = drawn.choice(digits)
            file.write_bytes(data[:place] + str(drawn.randrange(10)).encode() + data[place + 1 :])
        case 7:
            file.write_bytes(data + drawn.choice((b"\n", b"\0", b"{}\n", data[:at], b" " * 5_000_000)))
        case _:
            changed = bytearray(data or b"\0")
            changed[at] ^= 1 << drawn.randrange(8)
            file.write_bytes(changed)


@np.errstate(all="ignore")
def _array(drawn: random.Random, array: Any, arrays: Mapping[str, Any]) -> Any:
    """Return an array changed; None for none at all."""
    numbers = array.dtype.kind in "fiu"
    flat = array.reshape(-1).copy()
    kinds = ("f2", "f4", "c16", "i8", "i1", "u8", "U3", "?")
    odd = ("nonsense", "", "relu\0", -1, 2**62, np.nan, True)
    changes = (
        lambda: None,
        lambda: arrays[drawn.choice(sorted(arrays))],
        lambda: flat[: len(flat) // 2],
        lambda: array[None],
        lambda: array.astype(drawn.choice(kinds)) if numbers else np.ones(3),
        lambda: np.empty((0, *array.shape[1:]), array.dtype),
        lambda: np.concatenate([np.atleast_1d(array)] * 2),
        lambda: np.asarray(drawn.choice(odd)),
    )
    change = drawn.randrange(10)
    if change < len(changes):
        return changes[change]()
    if numbers and len(flat):
        wrong = (np.nan, np.inf, 1e308, -1.0) if array.dtype.kind == "f" else (-1, 2**40, 2**62, 7)
        if array.dtype.kind == "f" or array.dtype.itemsize == 8:
            flat[drawn.randrange(len(flat))] = drawn.choice(wrong)
        else:
            flat[drawn.randrange(len(flat))] = 100
    return flat.reshape(array.shape)
