"""Whether W(t) of the steps that ``run.snapshots`` asks for fit on the disk."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np

from hybrid_train.config import Config
from hybrid_train.errors import ResourceError
from hybrid_train.network.storing import Network, stored
from hybrid_train.support.messages import printable
from hybrid_train.support.untrusted import size_text


def check_snapshots(network: Network, config: Config, directory: Path) -> None:
    """Refuse, before anything is computed, snapshots that do not fit on the disk.

    Args:
        network: at W(0).
        config: of the run.
        directory: where they go; not necessarily there yet.

    Raises:
        ResourceError: they may take more than is free.
    """
    every, steps = config.run.snapshots, config.training.steps
    if not every:
        return
    count = steps // every + 1 + (steps % every > 0)
    needed = count * sum(np.asarray(array).nbytes for array in stored(network).values())
    place = directory
    while not place.exists() and place != place.parent:
        place = place.parent
    free = shutil.disk_usage(place).free
    if needed > free:
        raise ResourceError(
            f"run.snapshots={every}: {count} snapshots take {size_text(needed)}, {size_text(free)} are free at "
            f"{printable(os.fspath(directory))}; take a larger run.snapshots, a smaller network.width or fewer "
            "training.steps"
        )
