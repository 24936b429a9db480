"""Who carries tasks out: processes of this machine, or a cluster that is there."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from typing import Any, Protocol

from hybrid_train.crew.worker import start_worker
from hybrid_train.errors import ConfigError
from hybrid_train.support.parallel import processors


class Crew(Protocol):
    """Makes executors, again where one is broken.

    Attributes:
        workers: how many tasks go on at once.
        threads: of each of them.
    """

    workers: int
    threads: int

    def executor(self) -> Executor:
        """Return one that takes work."""

    def dismiss(self, executor: Executor) -> None:
        """End it, whatever it is doing."""

    def close(self) -> None:
        """Give everything back."""


class LocalCrew:
    """Spawned processes of this machine.

    Args:
        workers: how many; by default one for each processor.
        threads: of each; by default what the processors give.
    """

    def __init__(self, workers: int | None, threads: int | None) -> None:
        usable = processors()
        self.workers = workers or usable
        self.threads = threads or max(1, usable // self.workers)

    def executor(self) -> Executor:
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self.workers, mp_context=context, initializer=start_worker)

    def dismiss(self, executor: Executor) -> None:
        processes = list((getattr(executor, "_processes", None) or {}).values())
        executor.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            with contextlib.suppress(OSError, ValueError):
                process.kill()

    def close(self) -> None:
        """Nothing outlives its executor."""


class DaskCrew:
    """The workers of a Dask cluster, which have this package.

    Args:
        address: of its scheduler.
        threads: of each task; 1 by default.

    Raises:
        ConfigError: Dask is not installed, or nobody answers at the address.
    """

    def __init__(self, address: str, threads: int | None) -> None:
        try:
            import distributed
        except ImportError:
            raise ConfigError("scheduler: Dask is not installed; pip install 'hybrid-train[sweep]' brings it") from None
        try:
            connect: Any = distributed.Client
            self._client: Any = connect(address, timeout="20s", set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise ConfigError(f"scheduler={address!r}: nobody answers: {' '.join(str(error).split())}") from None
        self.workers = max(1, sum(self._client.ncores().values()))
        self.threads = threads or 1

    def executor(self) -> Executor:
        made: Callable[..., Executor] = self._client.get_executor
        return made(pure=False)

    def dismiss(self, executor: Executor) -> None:
        executor.shutdown(wait=False)  # which cancels what is left

    def close(self) -> None:
        self._client.close()


@contextlib.contextmanager
def hired(scheduler: str | None, workers: int | None) -> Iterator[Crew | None]:
    """Return a context with a crew, if one is asked for by either; else with None: this process does the work.

    Raises:
        ConfigError: see :func:`crew_of`.
    """
    crew = None if scheduler is None and workers is None else crew_of(scheduler, workers)
    try:
        yield crew
    finally:
        if crew is not None:
            crew.close()


def crew_of(scheduler: str | None, workers: int | None, threads: int | None = None) -> Crew:
    """Return the workers of a Dask cluster, or processes of this machine.

    Args:
        scheduler: address of a Dask scheduler; None for processes of this machine.
        workers: how many processes; by default one for each processor.
        threads: of each task.

    Raises:
        ConfigError: see :class:`DaskCrew`; or a number of workers for a cluster, which has its own.
    """
    if scheduler is None:
        return LocalCrew(workers, threads)
    if workers is not None:
        raise ConfigError("workers: with a scheduler the cluster has its own; leave it out")
    return DaskCrew(scheduler, threads)
