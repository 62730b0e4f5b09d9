"""The rules of the monitor, over looks that are made up. `Bench` plays the ticket store in memory."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operator_core.monitor.judge import (
    HISTORY,
    Action,
    HandBack,
    Judge,
    MarkFlapping,
    MarkWhole,
    Open,
    Resolve,
    change_share,
)
from operator_core.tickets import Ticket
from operator_protocols import Finding, Invariant, Observation, Unseen, Violation

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


def _check(observation: Observation) -> Iterable[Finding]:
    for target, look in observation.facts.items():
        if look == "b":
            yield Violation(target, f"{target} is broken")
        elif look == "u":
            yield Unseen(target, "no answer")
        elif look == "x":
            raise KeyError("mistake")


def _seen(**looks: str) -> Observation:
    return Observation(at=AT, services=(), workload=None, facts=looks)


def _invariant(open_after_s: float = 0.0, close_after_s: float = 2.0) -> Invariant:
    return Invariant("inv", "An invariant", _check, open_after_s, close_after_s)


@dataclass
class Bench:
    """Feeds looks at one second's distance and does to its one ticket what the judge decides."""

    judge: Judge
    ticket: Ticket | None = None
    now: float = 100.0

    @classmethod
    def of(cls, invariant: Invariant | None = None) -> "Bench":
        return cls(Judge([invariant or _invariant()], interval_s=1.0, verify_s=8.0))

    def look(self, look: str) -> list[Action]:
        """`b` broken, `w` whole, `u` unseen, `-` the look failed, `x` the check itself fails."""
        self.now += 1
        if look == "-":
            self.judge.blind()
            return []
        verdict = self.judge.look(_seen(a=look), [self.ticket] if self.ticket else [], self.now)
        for action in verdict.actions:
            self._do(action)
        return verdict.actions

    def looks(self, looks: str) -> list[list[str]]:
        return [[type(action).__name__ for action in self.look(look)] for look in looks]

    def change(self, **fields: object) -> None:
        assert self.ticket
        self.ticket = msgspec.structs.replace(self.ticket, **fields)

    def _do(self, action: Action) -> None:
        match action:
            case Open() if self.ticket:
                self.change(occurrences=self.ticket.occurrences + 1, whole=False, flapping=action.flapping)
            case Open():
                self.ticket = Ticket(
                    id=1, subject="s", invariant="inv", target="a", summary=action.summary, state="open", opened_at=AT,
                    changed_at=AT, resolved_at=None, occurrences=1, flapping=action.flapping, whole=False,
                    hand_backs=0, still_broken="", agent=None, lease_until=None,
                )  # fmt: skip
            case MarkWhole():
                self.change(whole=True)
            case MarkFlapping():
                self.change(flapping=action.flapping)
            case Resolve():
                self.ticket = None
            case HandBack() if self.ticket:
                count = self.ticket.hand_backs + 1
                self.change(state="open", whole=False, hand_backs=count, still_broken=action.still_broken)


def test_open_at_once_and_close_when_it_held_long_enough() -> None:
    bench = Bench.of()
    assert bench.looks("wbbwww") == [[], ["Open"], [], ["MarkWhole"], [], ["Resolve"]]


def test_the_open_delay_counts_from_the_first_look_that_broke() -> None:
    bench = Bench.of(_invariant(open_after_s=1.0))
    assert bench.looks("wbwbb") == [[], [], [], [], ["Open"]]


def test_a_long_open_delay() -> None:
    bench = Bench.of(_invariant(open_after_s=60.0))
    assert bench.looks("b" * 61) == [*([] for _ in range(60)), ["Open"]]


def test_a_relapse_starts_the_close_delay_anew_and_counts() -> None:
    bench = Bench.of()
    assert bench.looks("bwwbwww") == [["Open"], ["MarkWhole"], [], ["Open"], ["MarkWhole"], [], ["Resolve"]]
    assert bench.ticket is None


def test_occurrences_count_returns_not_looks() -> None:
    bench = Bench.of()
    bench.looks("bbbbwbbbb")
    assert bench.ticket and bench.ticket.occurrences == 2


@pytest.mark.parametrize("dark", ["u", "-", "x"])
def test_what_is_not_seen_closes_nothing_and_stops_the_clock(dark: str) -> None:
    bench = Bench.of()
    assert bench.looks("bw" + 50 * dark) == [["Open"], ["MarkWhole"], *([] for _ in range(50))]
    assert bench.looks("www") == [[], [], ["Resolve"]], "two seconds seen whole, the dark ones do not count"


@pytest.mark.parametrize("dark", ["u", "-", "x"])
def test_what_is_not_seen_opens_nothing(dark: str) -> None:
    bench = Bench.of(_invariant(open_after_s=2.0))
    assert bench.looks("b" + 50 * dark + "bb") == [[] for _ in range(53)]
    assert bench.looks("b") == [["Open"]]


def test_a_check_that_fails_is_unseen_for_every_target() -> None:
    judge = Judge([_invariant()], interval_s=1.0)
    verdict = judge.look(_seen(a="x"), [], 0)
    assert [(change.state, change.target) for change in verdict.changes] == [("unseen", "every target")]
    assert verdict.actions == []


def test_time_without_looks_does_not_count_as_held() -> None:
    """The monitor itself was stopped for an hour between two looks."""
    bench = Bench.of(_invariant(close_after_s=60.0))
    bench.looks("bw")
    bench.now += 3600
    assert bench.looks("w") == [[]]


def test_changes_are_said_once() -> None:
    judge = Judge([_invariant()], interval_s=1.0)
    said = [
        [(change.target, change.state) for change in judge.look(_seen(a=look, b="w"), [], now).changes]
        for now, look in enumerate("wbbuuww")
    ]
    assert said == [[], [("a", "broken")], [], [("a", "unseen")], [], [("a", "whole")], []]
    dark = [judge.look(_seen(a="w" if now < 130 else "u"), [], now).changes for now in range(100, 200)]
    assert sum(map(len, dark)) == 1


def test_targets_are_judged_apart() -> None:
    judge = Judge([_invariant()], interval_s=1.0)
    verdict = judge.look(_seen(a="b", b="u", c="b"), [], 0)
    assert verdict.broken == ["inv a", "inv c"]
    assert verdict.actions == [Open("inv", "a", "a is broken", False), Open("inv", "c", "c is broken", False)]


def test_a_ticket_of_an_earlier_run_is_resolved_or_kept() -> None:
    earlier = Bench.of()
    earlier.look("b")
    whole = Bench(Bench.of().judge, earlier.ticket)
    assert whole.looks("www") == [["MarkWhole"], [], ["Resolve"]]
    broken = Bench(Bench.of().judge, earlier.ticket)
    assert broken.looks("bbb") == [[], [], []]
    assert broken.ticket and broken.ticket.occurrences == 1


def test_a_ticket_resolved_by_hand_while_broken_is_followed_by_another() -> None:
    bench = Bench.of()
    bench.look("b")
    bench.ticket = None
    assert bench.looks("b") == [["Open"]]


def test_verified_when_it_held() -> None:
    bench = Bench.of()
    bench.looks("bb")
    bench.change(state="verifying")
    assert bench.looks("bwww") == [[], ["MarkWhole"], [], ["Resolve"]]


def test_handed_back_when_it_is_still_broken_after_the_time_to_verify() -> None:
    bench = Bench.of()
    bench.look("b")
    bench.change(state="verifying")
    assert bench.looks(8 * "b") == [[] for _ in range(8)]
    assert bench.looks("b") == [["HandBack"]]
    assert bench.ticket and bench.ticket.still_broken == "a is broken"
    bench.change(state="verifying")
    assert bench.looks("b") == [[]], "each repair has its own time"


def test_handed_back_only_on_sight() -> None:
    bench = Bench.of()
    bench.look("b")
    bench.change(state="verifying")
    assert bench.looks(30 * "u") == [[] for _ in range(30)]
    assert bench.looks("b") == [["HandBack"]]


@pytest.mark.parametrize("state", ["held", "escalated", "open"])
def test_whoever_repaired_it_the_monitor_resolves(state: str) -> None:
    bench = Bench.of()
    bench.look("b")
    bench.change(state=state)
    assert bench.looks("www")[-1] == ["Resolve"]


def test_flapping_is_recognised_and_resolved_only_when_calm() -> None:
    bench = Bench.of(_invariant(close_after_s=1.0))
    bench.looks("w" * HISTORY + "bwbwbwb")
    assert bench.ticket and bench.ticket.flapping
    calm = 0
    while bench.ticket:
        bench.look("w")
        calm += 1
        assert calm < 60
    assert 10 < calm <= HISTORY


def test_one_incident_is_not_flapping() -> None:
    bench = Bench.of()
    bench.looks("w" * HISTORY + "bbbbww")
    assert bench.ticket and not bench.ticket.flapping


def test_blips_shorter_than_the_open_delay_are_not_flapping() -> None:
    bench = Bench.of(_invariant(open_after_s=2.0))
    bench.looks("bbw" * 20)
    assert bench.ticket is None
    assert bench.looks("bbb")[-1] == ["Open"]
    assert bench.ticket and not bench.ticket.flapping
    assert bench.looks("www")[-1] == ["Resolve"]


def test_a_restarted_monitor_does_not_call_it_calm_before_it_has_looked_long_enough() -> None:
    bench = Bench.of()
    bench.look("b")
    bench.change(flapping=True)
    again = Bench(Bench.of().judge, bench.ticket)
    again.looks("w" * (HISTORY - 1))
    assert again.ticket and again.ticket.flapping
    again.look("w")
    assert again.ticket is None


def test_the_share_of_changes_weighs_recent_ones_more() -> None:
    alternating = [bool(index % 2) for index in range(HISTORY)]
    assert change_share(alternating) == pytest.approx(1.0)
    assert change_share([False] * HISTORY) == 0
    early, late = [True] + [False] * (HISTORY - 1), [False] * (HISTORY - 1) + [True]
    assert (change_share(early), change_share(late)) == (pytest.approx(0.8 / 20), pytest.approx(1.2 / 20))


def test_nothing_is_decided_while_tickets_cannot_be_read() -> None:
    judge = Judge([_invariant()], interval_s=1.0)
    assert judge.look(_seen(a="b"), None, 0).actions == []
    assert judge.look(_seen(a="b"), [], 1).actions == [Open("inv", "a", "a is broken", False)]


def test_memory_stays_flat_over_targets_that_come_and_go() -> None:
    judge = Judge([_invariant()], interval_s=1.0)
    for now in range(500):
        judge.look(_seen(**{f"key-{now}": "u" if now % 2 else "b"}), [], now)
    assert len(judge._tracks) <= HISTORY + 1


@given(looks=st.text(alphabet="bwu-", max_size=80), close_after=st.sampled_from([1.0, 2.0, 3.0]))
def test_a_ticket_is_open_from_a_breakage_until_it_was_seen_to_hold(looks: str, close_after: float) -> None:
    bench = Bench.of(_invariant(close_after_s=close_after))
    held, seen_before = 0, False
    for look in looks:
        before = bench.ticket
        bench.look(look)
        if look == "w":
            held, seen_before = held + (1 if seen_before else 0), True
        elif look == "b":
            held, seen_before = 0, False
            assert bench.ticket, "broken, so a ticket is live"
        else:
            seen_before = False
            assert bench.ticket is before, "not seen, so nothing changes"
        if before and bench.ticket is None:
            assert look == "w" and held >= close_after
