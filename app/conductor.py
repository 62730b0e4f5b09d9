"""Where the show is: which chapter, whether it may move on, and what is still to be injected. Knows no processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from chapters import CONDITIONS, Chapter, holds
from operator_core.state import RunState

INSIST_WITHIN_S = 5.0


@dataclass(slots=True)
class Conductor:
    """`entered_at` is monotonic seconds. A chapter's fault is injected once, however often the show comes by."""

    chapters: Sequence[Chapter]
    index: int = 0
    entered_at: float = 0.0
    asked_at: float = -INSIST_WITHIN_S
    spent: set[int] = field(default_factory=set)
    missed: list[str] = field(default_factory=list)
    """What an unattended show waited for in vain, as sentences."""

    @property
    def chapter(self) -> Chapter:
        return self.chapters[self.index]

    def waits_for(self, state: RunState) -> list[str]:
        """The chapter's conditions that have not come true, in words."""
        return [CONDITIONS[name][0] for name in self.chapter.until if not holds(name, state)]

    def insists(self, now: float) -> bool:
        """Whether this is the second wish to go on within a few seconds: a presenter must never be stuck."""
        again = now - self.asked_at <= INSIST_WITHIN_S
        self.asked_at = now
        return again

    def move(self, by: int, now: float) -> bool:
        """Go to the next or the previous chapter; False at either end."""
        index = self.index + by
        if not 0 <= index < len(self.chapters):
            return False
        self.index, self.entered_at, self.asked_at = index, now, -INSIST_WITHIN_S
        return True

    def fault_due(self, chosen: str) -> str:
        """The fault whose countdown is to begin in this chapter, or ""."""
        if not self.chapter.fault or self.index in self.spent:
            return ""
        return chosen if self.chapter.fault is True else self.chapter.fault

    def may_move_on(self, state: RunState, now: float, reading: bool) -> bool:
        """Whether an unattended show leaves this chapter now. Past the deadline it does, and notes what it missed."""
        waits = self.waits_for(state)
        stayed = now - self.entered_at
        if waits and stayed < self.chapter.deadline:
            return False
        if waits:
            self.missed.append(f"{self.chapter.title}: not within {self.chapter.deadline:g} s: {', '.join(waits)}")
            return True
        return not reading or stayed >= self.chapter.dwell
