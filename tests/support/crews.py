"""Workers of a test: everything is carried out at once, in its own process."""

from __future__ import annotations

from concurrent.futures import BrokenExecutor, Executor, Future
from typing import Any


class Crew:
    """Carries runs out at once, in this process; some of its workers die.

    Args:
        deaths: how often a run's worker dies, by its place among the tasks.
    """

    def __init__(self, deaths: dict[int, int] | None = None, *, workers: int = 2) -> None:
        self.workers, self.threads = workers, 1
        self.deaths = dict(deaths or {})
        self.seen: list[str] = []
        self.carried_out: list[str] = []

    def executor(self) -> Executor:
        crew = self

        class Here(Executor):
            def submit(self, call: Any, /, *arguments: Any, **_: Any) -> Future[Any]:
                future: Future[Any] = Future()
                identity = arguments[0]
                if identity not in crew.seen:
                    crew.seen.append(identity)
                place = crew.seen.index(identity)
                if crew.deaths.get(place, 0) > 0:
                    crew.deaths[place] -= 1
                    future.set_exception(BrokenExecutor("died"))
                else:
                    crew.carried_out.append(identity)
                    future.set_result(call(*arguments))
                return future

        return Here()

    def dismiss(self, executor: Executor) -> None:
        del executor

    def close(self) -> None:
        pass
