"""
A sweep on a Slurm cluster
==========================

dask-jobqueue starts the workers as jobs, the sweep hands them the runs::

    pip install 'hybrid-train[sweep]' dask-jobqueue
    python examples/slurm_sweep.py examples/algorithm2_hsr_neurons.toml results/sweep

Started again it goes on where it was broken off, by a time limit for instance. ``--local`` tries it on this machine.
"""

from __future__ import annotations

import argparse
from typing import Any

import hybrid_train

GRID = {"network.width": ["64", "128"]}
SEEDS = range(2)


def cluster_of(jobs: int, *, local: bool) -> Any:
    """Return a cluster with so many workers to come, of one thread each."""
    if local:
        from distributed import LocalCluster

        return LocalCluster(n_workers=jobs, threads_per_worker=1, dashboard_address=None)
    from dask_jobqueue import SLURMCluster  # type: ignore[import-not-found, unused-ignore]

    cluster = SLURMCluster(cores=1, processes=1, memory="4GB", walltime="01:00:00", queue="normal")
    cluster.scale(jobs=jobs)
    return cluster


def main() -> None:
    parser = argparse.ArgumentParser(description="A sweep on a Slurm cluster.")
    parser.add_argument("config")
    parser.add_argument("out")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--local", action="store_true", help="workers on this machine in the place of Slurm's")
    options = parser.parse_args()
    with cluster_of(options.jobs, local=options.local) as cluster:
        cluster.wait_for_workers(1)
        found = hybrid_train.sweep(
            options.config, GRID, SEEDS, out=options.out, scheduler=cluster.scheduler_address, progress=True
        )
    for row in found.rows:
        print({key: row.get(key) for key in ("id", *GRID, "run.seed", "final_loss", "error") if key in row})
    print(hybrid_train.write_report(options.out))


if __name__ == "__main__":
    main()
