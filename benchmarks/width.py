"""The widest network that trains on this machine in 8 GB: seeded weights and live neurons against dense PyTorch.

Full-batch gradient descent, n = 64 unit vectors with random signs in d = 16, threshold sqrt(0.4 ln m), 100 steps. Each
width runs in a process of its own that is not given more than 8 GB of memory. PyTorch is tried at doubled widths until
it runs out; ours train 10^8 neurons by weights that are re-created from their seed, and 10^9 by drawing only those that
fire for some example (float32 then). Peak memory is the resident set's, as the operating system counts it.

    python benchmarks/width.py [--quick] [--json FILE]
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from typing import Any

import numpy as np
from _common import arguments, environment, needs, print_table, write_json
from _dense import TorchDense

N, DIMENSION, STEPS = 64, 16, 100
LIMIT = 8 * 10**9
WIDTHS = {"skin, seeded": (10**6, 10**7, 10**8), "skin, live": (10**6, 10**7, 10**8, 10**9)}
DENSE_STEPS = 3


def ours(width: int, storage: str) -> dict[str, Any]:
    """Train for the whole number of steps."""
    from classical.training import gradient_descent
    from hybrid_train.data import sphere
    from hybrid_train.finder.registry import make_finder
    from hybrid_train.network import TwoLayerNetwork
    from hybrid_train.training.losses import make_loss

    data, loss = sphere(N, DIMENSION, seed=1), make_loss("squared")
    started = time.perf_counter()
    options = {"examples": data.inputs, "dtype": "float32"} if storage == "live" else {}
    network = TwoLayerNetwork.initialize(width, DIMENSION, storage=storage, seed=0, **options)
    drawn = time.perf_counter() - started
    training = gradient_descent(network, data.inputs, loss.encode(data, 1), loss, make_finder("skin"), steps=STEPS)
    records = [(record.loss, record.step_seconds, record.active_pairs) for record in training]
    return {
        "seconds": time.perf_counter() - started,
        "start_s": drawn,
        "neurons": network.width,
        "first_s": records[0][1],
        "step_ms": 1e3 * float(np.median([seconds for _, seconds, _ in records[1:]])),
        "loss 0": records[0][0],
        "loss T": records[-1][0],
        "active pairs": records[-1][2],
    }


def dense(width: int) -> dict[str, Any]:
    """Take a few steps; the time of all is that of one times their number."""
    from hybrid_train.data import sphere
    from hybrid_train.network import auto_threshold

    data, draw = sphere(N, DIMENSION, seed=1), np.random.default_rng(0)
    weights = draw.standard_normal((width, DIMENSION), dtype=np.float32)
    signs = draw.choice(np.array([-1, 1], np.float32), size=width)
    peer = TorchDense(weights, signs, auto_threshold(width), data.inputs, data.targets, 0.1)
    del weights
    first = peer.step()
    started = time.perf_counter()
    last = [peer.step() for _ in range(DENSE_STEPS)][-1]
    step = (time.perf_counter() - started) / DENSE_STEPS
    times = {"seconds": step * STEPS, "start_s": 0.0, "first_s": step, "step_ms": 1e3 * step}
    return times | {"neurons": width, "loss 0": first, "loss T": last}


def in_own_process(arm: str, width: int) -> dict[str, Any] | None:
    """Run one width in a process with limited memory; None if it did not end well."""
    command = [sys.executable, __file__, "--child", arm, str(width)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{arm}, m = {width}: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'killed'}")
        return None
    found = json.loads(done.stdout.splitlines()[-1])
    return {"arm": arm, "m": width, "active pairs": "", **found}


def child(arm: str, width: int) -> None:
    """Be the process of one width."""
    resource.setrlimit(resource.RLIMIT_DATA, (LIMIT, LIMIT))
    found = dense(width) if arm == "PyTorch" else ours(width, arm.removeprefix("skin, "))
    found["peak_GB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    print(json.dumps(found))


def main() -> None:
    """Measure, print, write."""
    if "--child" in sys.argv:
        child(sys.argv[-2], int(sys.argv[-1]))
        return
    options = arguments(__doc__)
    needs("torch")
    found = environment(["torch", "numba"], threads=2, dtype="W(0) float64 from its seed; live and PyTorch float32")
    rows = []
    for exponent in range(20, 31):
        row = in_own_process("PyTorch", 1 << exponent)
        if row is None:
            break
        rows.append(row)
        if options.quick and exponent == 21:
            break
    for arm, widths in WIDTHS.items():
        for width in widths[:1] if options.quick else widths:
            row = in_own_process(arm, width)
            rows += [] if row is None else [row]
    columns = (
        "arm",
        "m",
        "neurons",
        "seconds",
        "start_s",
        "first_s",
        "step_ms",
        "peak_GB",
        "loss 0",
        "loss T",
        "active pairs",
    )
    print(f"n = {N}, d = {DIMENSION}, {STEPS} steps, at most {LIMIT / 1e9:g} GB")
    print_table([{name: row[name] for name in columns} for row in rows])
    write_json(options.json, {"environment": found, "n": N, "d": DIMENSION, "steps": STEPS, "rows": rows})


if __name__ == "__main__":
    main()
