"""The ledger's bounds, which no real load reaches in a test."""

from __future__ import annotations

from subjects.ratelimiter.service.ledger import KEEP_OPEN_US, KEEP_US, Ledger

S = 1_000_000
NOW = 1_800_000_000 * S


def test_it_tells_what_was_admitted_in_a_span() -> None:
    ledger = Ledger()
    ledger.start(NOW)
    for at in (NOW + 1, NOW + 2, NOW + 3):
        ledger.admit("a", 2, at, S)
    assert ledger.tally("a", NOW + 1, NOW + 2) == (2, 0)
    assert ledger.tally("nobody", 0, NOW) == (0, 0)


def test_an_open_attempt_is_unknown_where_it_may_have_counted() -> None:
    ledger = Ledger()
    attempt = ledger.begin("a", 3, NOW, NOW + S)
    assert ledger.tally("a", NOW - S, NOW - 1) == (0, 0)
    assert ledger.tally("a", NOW - S, NOW) == (0, 3)
    assert ledger.tally("a", NOW + S, NOW + 2 * S) == (0, 0)
    ledger.settle("a", attempt)
    assert ledger.tally("a", NOW - S, NOW) == (0, 0)


def test_it_forgets_what_no_count_asks_for() -> None:
    ledger = Ledger()
    ledger.admit("a", 1, NOW, S)
    ledger.begin("b", 1, NOW, NOW)
    ledger.prune(NOW + S + KEEP_US - 1)
    assert set(ledger.keys()) == {"a", "b"}
    ledger.prune(NOW + S + KEEP_US)
    assert list(ledger.keys()) == ["b"]
    ledger.prune(NOW + KEEP_OPEN_US + KEEP_US)
    assert list(ledger.keys()) == []


def test_when_it_is_full_it_says_from_when_it_is_complete() -> None:
    ledger = Ledger(max_entries=10)
    ledger.start(NOW)
    for n in range(8):
        ledger.admit("old", 1, NOW + n, S)
    assert ledger.since == NOW
    for n in range(8):
        ledger.admit("new", 1, NOW + 100 + n, S)
    assert ledger.since == NOW + 8
    assert list(ledger.keys()) == ["new"]
    assert ledger.tally("new", 0, NOW + S) == (8, 0)
