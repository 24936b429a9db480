"""Signals: noted at once, acted on between two steps."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from hybrid_train.support import interruption
from hybrid_train.support.progress import with_progress


def steps(done: list[int], signalled: int) -> Iterator[int]:
    for step in range(5):
        if step == signalled:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.01)
        done.append(step)
        yield step


def follow(records: Iterator[int], seen: list[int], whole: bool, signalled: int = -1) -> None:
    """Deal with records; at one of them a signal comes."""
    for step in with_progress(records, 5, "steps", shown=False, whole=whole):
        if step == signalled:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.01)
        seen.append(step)


@pytest.mark.parametrize("whole", [True, False])
def test_a_step_is_finished_where_half_of_it_would_leave_a_mess(whole: bool) -> None:
    done: list[int] = []
    seen: list[int] = []
    with interruption.caught(restored=True) as signals:
        with pytest.raises(interruption.Interrupted), signals.raised():
            follow(steps(done, 2), seen, whole)
        assert signals.number == signal.SIGTERM
    assert seen == done == ([0, 1, 2] if whole else [0, 1])


@pytest.mark.parametrize("whole", [True, False])
def test_a_signal_while_a_step_is_dealt_with_waits_too(whole: bool) -> None:
    seen: list[int] = []
    with interruption.caught(restored=True) as signals, pytest.raises(interruption.Interrupted), signals.raised():
        follow(iter(range(5)), seen, whole, signalled=1)
    assert seen == ([0, 1] if whole else [0])


def test_steps_go_on_after_a_command_that_was_interrupted() -> None:
    with interruption.caught(restored=True) as signals:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)
        assert interruption.came()
        assert signals.number == signal.SIGTERM
    assert not interruption.came()
    assert list(with_progress(iter(range(3)), 3, "steps", shown=False, whole=True)) == [0, 1, 2]


def test_another_thread_catches_nothing_and_breaks_nothing() -> None:
    def within() -> None:
        with interruption.caught(restored=True), interruption.held():
            interruption.check()
            handlers.append(signal.getsignal(signal.SIGTERM))

    handlers: list[object] = []
    caller = threading.Thread(target=within)
    caller.start()
    caller.join(10)
    assert handlers == [signal.getsignal(signal.SIGTERM)]
