"""Tasks handed out to workers, each until it is done, whoever dies meanwhile.

Against ``concurrent.futures.Executor`` alone. That a task counts once is the business of whoever keeps its answer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import dataclass
from typing import Any, final

from hybrid_train.crew.executors import Crew
from hybrid_train.crew.worker import carry_out

_ALONE = 2
"""Workers that a task may end when it is the only one at work, before it is given up."""


@final
@dataclass(frozen=True, eq=False)
class Task:
    """Something to do.

    Attributes:
        name: no other task has it.
        work: a function that a worker can import, of ``args``; what it comes to is the same wherever it is done.
        args: plain values.
    """

    name: str
    work: Callable[..., Any]
    args: tuple[Any, ...]


@final
@dataclass(frozen=True, eq=False)
class Answer:
    """What a task came to.

    Attributes:
        name: of the task.
        value: what the work returned; None if it failed.
        error: why it failed, in a line; None if it did not.
    """

    name: str
    value: Any = None
    error: str | None = None


def answers(crew: Crew, tasks: Sequence[Task]) -> Iterator[Answer]:
    """Yield what each task comes to, in the order in which they end.

    The first task goes alone, so that what is compiled is compiled once. Where workers die, the tasks that were at work
    are suspects and go alone: one that ends two workers by itself is given up, the others lose nothing.
    """
    if tasks:
        yield from _Shift(crew).answers(tasks)


@final
class _Shift:
    """Hands tasks out and takes answers in."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._running: dict[Future[dict[str, Any]], Task] = {}

    def answers(self, tasks: Sequence[Task]) -> Iterator[Answer]:
        fresh, suspects, ended = deque(tasks), deque[Task](), dict[str, int]()
        executor, warm = self._crew.executor(), False
        try:
            while fresh or suspects or self._running:
                at_once = self._crew.workers if warm and not suspects else 1
                source = suspects or fresh
                while source and len(self._running) < at_once:
                    self._submit(executor, source.popleft())
                    if at_once == 1:
                        break
                done, broken = self._ended()
                yield from done
                warm = warm or bool(done)
                if broken:
                    alone = len(broken) == 1
                    for task in broken:
                        ended[task.name] = ended.get(task.name, 0) + alone
                        if ended[task.name] >= _ALONE:
                            yield Answer(task.name, error=f"its worker died, {_ALONE} times")
                        else:
                            suspects.append(task)
                    self._crew.dismiss(executor)
                    executor = self._crew.executor()
        finally:
            self._crew.dismiss(executor)

    def _submit(self, executor: Any, task: Task) -> None:
        future = executor.submit(carry_out, task.name, task.work, task.args, self._crew.threads)
        self._running[future] = task

    def _ended(self) -> tuple[list[Answer], list[Task]]:
        """Return answers that have come, and tasks whose workers are gone: then none is left at work."""
        while not (done := wait(self._running, timeout=0.5, return_when=FIRST_COMPLETED).done):
            pass
        found, broken = [], []
        for future in done:
            task = self._running.pop(future)
            try:
                found.append(Answer(**future.result()))
            except Exception as error:
                if not isinstance(error, BrokenExecutor) and type(error).__name__ != "KilledWorker":
                    raise
                broken.append(task)
        if broken:
            broken += self._running.values()
            self._running.clear()
        return found, broken
