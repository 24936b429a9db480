"""Which finder is fastest here: estimates, what was measured, and when a change pays."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from statistics import median

_HOPE = 0.5
"""An estimate that was never measured in earnest may be so many times too high."""

_GAIN = 0.97
"""A rival has to be at least so much faster to be taken."""

_STAKE = 0.05
"""Share of what is left to do that may be spent on trying a rival."""

_TRIAL = 5
"""Answers, after a first one that is not typical, from which a finder is judged."""

_FORGET = 3
"""A rival that lost may be tried again once so many times as many queries were asked."""


@dataclass
class Pace:
    """How fast a finder is.

    Attributes:
        per_query: seconds a query, moves of the banks included.
        build: seconds to build it.
        measured: whether ``per_query`` was measured in earnest; estimated or guessed if not.
        guess: what to expect again when a measurement is too old to count; 0 for the measurement itself.
        judged_at: queries asked when it was measured.
    """

    per_query: float
    build: float
    measured: bool = False
    guess: float = 0.0
    judged_at: int = 0


@dataclass
class Race:
    """Decides who answers next.

    It starts with the finder of the least estimated time, measures it at work, and changes to another one when that
    pays over what is left to do. A rival that was only estimated is tried when the estimate, taken as twice too high,
    says that it could win and the trial costs at most a twentieth of the rest. A loser may be tried again when three
    times as many queries were asked, so there are few trials and they grow rarer.

    Attributes:
        paces: of the finders in the race, by name.
        current: who answers.
        asked: queries asked so far.
        answers: how often.
        switches: changes so far.
    """

    paces: dict[str, Pace]
    current: str
    asked: int = 0
    answers: int = 0
    switches: int = 0
    _seconds: deque[float] = field(default_factory=lambda: deque(maxlen=9))
    _since: int = 0

    def note(self, seconds: float, queries: int) -> None:
        """Take note of what the current finder took for these queries and for the moves before them."""
        self.asked += queries
        self.answers += 1
        self._since += 1
        if self._since == 1 or not queries:
            return
        self._seconds.append(seconds / queries)
        if len(self._seconds) >= _TRIAL:
            pace = self.paces[self.current]
            pace.per_query, pace.measured, pace.judged_at = median(self._seconds), True, self.asked

    def better(self, remaining: int, able: set[str]) -> str:
        """Return who should answer next.

        Args:
            remaining: queries still to come, as far as known.
            able: finders that may take part in this kind of use.
        """
        mine = self.paces[self.current]
        best, most = self.current, 0.0
        if not mine.measured:
            return best
        for name, pace in self.paces.items():
            if name == self.current or name not in able:
                continue
            if pace.measured and self.asked > _FORGET * pace.judged_at:
                pace.per_query, pace.measured = pace.guess or pace.per_query, False
            hoped = pace.per_query * (1 if pace.measured else _HOPE)
            gain = (mine.per_query - hoped) * remaining - pace.build
            slower = max(0.0, pace.per_query - mine.per_query)
            stake = pace.build + mine.build + (_TRIAL + 1) * slower * self.asked / max(1, self.answers)
            affordable = pace.measured or stake <= _STAKE * mine.per_query * remaining
            if hoped < _GAIN * mine.per_query and affordable and gain > most:
                best, most = name, gain
        return best

    def change(self, name: str, build: float) -> None:
        """Let another finder answer from now on; building it took ``build`` seconds."""
        self.current = name
        self.paces[name].build = build
        self.switches += 1
        self._seconds.clear()
        self._since = 0
