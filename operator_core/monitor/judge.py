"""What observations mean for tickets. No clock, no input or output: a fold over looks, each with the time it was taken.

Time counts only between two looks in a row that saw the same: a look that could not see an invariant, or failed as a
whole, stops the clocks and closes nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from operator_core.events import InvariantState
from operator_core.tickets import Ticket
from operator_protocols import Finding, Invariant, Observation, Unseen, Violation

State = Literal["broken", "whole", "unseen"]
Key = tuple[str, str]
"""An invariant's name and a target."""

VERIFY_S = 8.0
"""How long a repair that was concluded may take to show, before a ticket that is still broken is handed back."""

HISTORY = 21
FLAPPING_ABOVE = 0.30
CALM_BELOW = 0.20
"""Flapping, as Naemon tells it: the share of changes among the last 21 looks, recent ones weighing 1.2 and the oldest
0.8; it begins above the one threshold and ends below the other. A breakage shorter than its invariant's `open_after_s`
is no change: it never counted."""

_SLACK_S = 0.001


@dataclass(frozen=True, slots=True)
class Open:
    """Open a ticket, or count one more occurrence of the one that is live."""

    invariant: str
    target: str
    summary: str
    flapping: bool


@dataclass(frozen=True, slots=True)
class MarkWhole:
    ticket: int


@dataclass(frozen=True, slots=True)
class MarkFlapping:
    ticket: int
    flapping: bool


@dataclass(frozen=True, slots=True)
class Resolve:
    ticket: int
    held_s: float


@dataclass(frozen=True, slots=True)
class HandBack:
    ticket: int
    still_broken: str


Action = Open | MarkWhole | MarkFlapping | Resolve | HandBack


@dataclass(frozen=True, slots=True)
class Verdict:
    """`broken`: "invariant target" of each violation; `changes`: what is otherwise than at the look before; `actions`:
    what should become of the tickets. An action that is lost is decided again at the next look."""

    broken: list[str]
    changes: list[InvariantState]
    actions: list[Action]


@dataclass(slots=True)
class _Track:
    """What was seen of one invariant and target. `streak_s`: how long it has been seen as it was seen last."""

    state: State | None = None
    broken: bool | None = None
    streak_s: float = 0.0
    seen_at: float | None = None
    """When the last look saw it; None if that look did not."""
    lasts: bool = False
    """It has been broken for as long as it takes to count."""
    looks: deque[bool] = field(default_factory=lambda: deque(maxlen=HISTORY))
    flapping: bool = False
    repair: tuple[int, int] | None = None
    """What is being verified: a ticket, and how often it was handed back before."""
    verifying_since: float = 0.0

    def see(self, broken: bool, now: float, longest_step_s: float, open_after_s: float) -> None:
        if broken != self.broken:
            self.broken, self.streak_s = broken, 0.0
        elif self.seen_at is not None:
            self.streak_s += min(now - self.seen_at, longest_step_s)
        self.seen_at = now
        self.lasts = broken and self.streak_s + _SLACK_S >= open_after_s
        self.looks.append(self.lasts)
        share = change_share(self.looks)
        if share > FLAPPING_ABOVE:
            self.flapping = True
        elif share < CALM_BELOW and len(self.looks) == HISTORY:
            self.flapping = False

    @property
    def quiet(self) -> bool:
        """There is nothing left to remember."""
        return self.state == "whole" and len(self.looks) == HISTORY and not any(self.looks)


def change_share(looks: Sequence[bool]) -> float:
    """The weighted share of changes in up to 21 looks, the oldest first; looks that are not there count as calm."""
    possible = HISTORY - 1
    first = HISTORY - len(looks)
    changes = (index for index in range(1, len(looks)) if looks[index] != looks[index - 1])
    return sum(0.8 + 0.4 * (first + index - 1) / (possible - 1) for index in changes) / possible


@dataclass(frozen=True, slots=True)
class _Case:
    """An invariant and a target at one look. `finding` is None where the invariant holds."""

    invariant: Invariant
    target: str
    finding: Finding | None
    ticket: Ticket | None
    track: _Track
    now: float


class Judge:
    """Remembers what it needs of earlier looks. After a restart the tickets say the rest."""

    def __init__(self, invariants: Sequence[Invariant], interval_s: float, verify_s: float = VERIFY_S) -> None:
        self._invariants = invariants
        self._longest_step_s = 2 * interval_s
        self._verify_s = verify_s
        self._tracks: dict[Key, _Track] = {}

    def blind(self) -> None:
        """A look failed as a whole."""
        for track in self._tracks.values():
            track.seen_at = None

    def look(self, observation: Observation, tickets: Collection[Ticket] | None, now: float) -> Verdict:
        """Judge one look. `tickets`: the live ones as they were before it began, so that what is verified was seen
        after the conclusion; None if they could not be read, and then nothing is decided. `now`: seconds of a steady
        clock."""
        verdict = Verdict([], [], [])
        for case in self._cases(observation, tickets or (), now):
            change = self._see(case)
            if change:
                verdict.changes.append(change)
            if isinstance(case.finding, Violation):
                verdict.broken.append(f"{case.invariant.name} {case.target}")
            if tickets is not None:
                verdict.actions.extend(self._decide(case))
                if case.ticket is None and case.track.quiet:
                    del self._tracks[case.invariant.name, case.target]
        return verdict

    def _cases(self, observation: Observation, tickets: Collection[Ticket], now: float) -> Iterator[_Case]:
        live = {(ticket.invariant, ticket.target): ticket for ticket in tickets}
        for invariant in self._invariants:
            known = {target for name, target in (*self._tracks, *live) if name == invariant.name}
            findings = _findings(invariant, observation, known)
            for target in sorted(known | set(findings)):
                key = (invariant.name, target)
                ticket = live.get(key)
                track = self._tracks.setdefault(key, _Track(flapping=ticket is not None and ticket.flapping))
                yield _Case(invariant, target, findings.get(target), ticket, track, now)

    def _see(self, case: _Case) -> InvariantState | None:
        """Take it into the track; gives the event if that is news."""
        track, before = case.track, case.track.state
        match case.finding:
            case Unseen(why=summary):
                track.state, track.seen_at = "unseen", None
            case Violation(summary=summary):
                track.state = "broken"
                track.see(True, case.now, self._longest_step_s, case.invariant.open_after_s)
            case None:
                track.state, summary = "whole", ""
                track.see(False, case.now, self._longest_step_s, case.invariant.open_after_s)
        if track.state == before or (before is None and track.state == "whole" and case.ticket is None):
            return None
        return InvariantState(invariant=case.invariant.name, target=case.target, state=track.state, summary=summary)

    def _decide(self, case: _Case) -> Iterator[Action]:
        track, ticket = case.track, case.ticket
        repair = (ticket.id, ticket.hand_backs) if ticket and ticket.state == "verifying" else None
        if repair != track.repair:
            track.repair, track.verifying_since = repair, case.now
        if ticket is not None and ticket.flapping != track.flapping and track.state != "unseen":
            yield MarkFlapping(ticket.id, track.flapping)
        match case.finding:
            case Violation(target=target, summary=summary):
                if track.lasts and (ticket is None or ticket.whole):
                    yield Open(case.invariant.name, target, summary, track.flapping)
                if ticket and repair and case.now - track.verifying_since + _SLACK_S >= self._verify_s:
                    yield HandBack(ticket.id, summary)
            case None if ticket:
                if not ticket.whole:
                    yield MarkWhole(ticket.id)
                if track.streak_s + _SLACK_S >= case.invariant.close_after_s and not track.flapping:
                    yield Resolve(ticket.id, track.streak_s)


def _findings(invariant: Invariant, observation: Observation, known: Collection[str]) -> dict[str, Finding]:
    """What the invariant finds, by target; a violation goes before an `Unseen`. If its own code fails, it saw nothing
    of any target: a mistake there must not pass for "all is well"."""
    findings: dict[str, Finding] = {}
    try:
        for finding in invariant.check(observation):
            if finding.target not in findings or isinstance(finding, Violation):
                findings[finding.target] = finding
    except Exception as error:  # noqa: BLE001  (the subject's code may raise anything)
        why = f"its check failed: {type(error).__name__}: {error}"
        return {target: Unseen(target, why) for target in known or {"every target"}}
    return findings
