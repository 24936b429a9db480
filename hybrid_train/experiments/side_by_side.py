"""Pieces of a study worked out by several workers, each on disk as soon as it comes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from hybrid_train.crew.executors import Crew
from hybrid_train.crew.shift import Task, answers
from hybrid_train.errors import ResourceError
from hybrid_train.experiments.journal import Journal
from hybrid_train.support.progress import with_progress


def worked_out(kept: Journal, tasks: Sequence[Task], crew: Crew | None, label: str, *, progress: bool) -> list[Any]:
    """Return what each task comes to, in their order: a piece of the study by its name.

    Args:
        kept: the journal of the study; pieces that are there are not worked out again.
        tasks: each a piece.
        crew: carries them out; without one this process does, one after the other.
        label: of the bar.
        progress: show a bar, if standard error is a terminal.

    Raises:
        ResourceError: some failed, or their workers died; the others are kept.
    """
    if crew is None:
        every = with_progress(tasks, len(tasks), label, shown=progress)
        return [kept.piece(task.name, partial(task.work, *task.args)) for task in every]
    known = kept.known
    found = {task.name: known[task.name] for task in tasks if task.name in known}
    todo = [task for task in tasks if task.name not in found]
    failed = []
    for answer in with_progress(answers(crew, todo), len(todo), label, shown=progress):
        if answer.error is not None:
            failed.append(f"{answer.name}: {answer.error}")
        else:
            found[answer.name] = kept.keep(answer.name, answer.value)
    if failed:
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        raise ResourceError(f"{failed[0]}{more}; with a results directory the others are kept, and --resume goes on")
    return [found[task.name] for task in tasks]
