"""Whether a counter is judged, and as what."""

from __future__ import annotations

from typing import Any

import pytest

from subjects.ratelimiter.counters import compare
from subjects.ratelimiter.limits import lost

AT = 1000.0


def counter(count: int, admitted: int, unknown: int = 0, **other: Any) -> dict[str, Any]:
    return {
        "key": "a",
        "algorithm": "sliding_log",
        "limit": 10,
        "window_s": 10.0,
        "count": count,
        "reset_at": None,
        "admitted": admitted,
        "unknown": unknown,
    } | other


def reports(*counters: dict[str, Any], since: float = 900.0) -> dict[str, dict[str, Any]]:
    return {
        f"node-{number}": {"now": AT, "since": since, "counters": [each]} for number, each in enumerate(counters, 1)
    }


@pytest.mark.parametrize("count", [7, 8, 9])
def test_a_counter_may_hold_what_was_admitted_and_any_of_the_unknown(count: int) -> None:
    facts = compare(reports(counter(count, 4, 2), counter(count, 3)), AT)
    assert facts == {"trouble": "", "compared": 1, "drifted": []}


@pytest.mark.parametrize("count", [0, 6, 10])
def test_a_counter_that_holds_less_or_more_has_drifted(count: int) -> None:
    facts = compare(reports(counter(count, 4, 2), counter(count, 3)), AT)
    assert facts["drifted"] == [{"key": "a", "count": count, "admitted": 7, "unknown": 2}]


def test_a_ledger_that_is_younger_than_the_window_judges_nothing() -> None:
    young = reports(counter(3, 0), counter(3, 0), since=995.0)
    assert compare(young, AT)["drifted"] == []
    assert "node-1" in compare(young, AT)["trouble"]


def test_a_reset_makes_a_young_ledger_enough() -> None:
    young = reports(counter(3, 1, reset_at=996.0), counter(3, 1, reset_at=996.0), since=995.0)
    assert compare(young, AT)["drifted"] == [{"key": "a", "count": 3, "admitted": 2, "unknown": 0}]


def test_a_counter_that_was_reset_between_two_answers_is_not_judged() -> None:
    moving = reports(counter(9, 5), counter(0, 0, reset_at=999.9))
    assert compare(moving, AT)["drifted"] == []
    assert compare(moving, AT)["trouble"]


def test_a_node_that_does_not_list_a_counter_admitted_nothing_on_it() -> None:
    partial = reports(counter(5, 5), counter(5, 0))
    partial["node-2"]["counters"] = []
    assert compare(partial, AT) == {"trouble": "", "compared": 1, "drifted": []}


def test_other_algorithms_and_long_windows_are_left_out() -> None:
    assert compare(reports(counter(9, 0, algorithm="gcra")), AT) == {"trouble": "", "compared": 0, "drifted": []}
    assert compare(reports(counter(9, 0, window_s=3600.0)), AT)["compared"] == 0


def test_one_counter_that_cannot_be_judged_hides_no_other() -> None:
    two = reports(counter(5, 1), counter(5, 1), since=950.0)
    two["node-1"]["counters"].append(counter(9, 9, key="b", window_s=60.0))
    facts = compare(two, AT)
    assert [drifted["key"] for drifted in facts["drifted"]] == ["a"]
    assert facts["trouble"]


PROMISED = {"a": {"limit": 10, "window_s": 10.0, "algorithm": "sliding_log"}}


def test_a_limit_in_force_is_not_lost_and_other_keys_are_nobodys_promise() -> None:
    assert lost(reports(counter(3, 3), counter(1, 1, key="b", limit=1)), PROMISED) == {
        "trouble": "",
        "compared": 1,
        "lost": [],
    }


@pytest.mark.parametrize("change", [{"limit": 100}, {"window_s": 60.0}, {"algorithm": "gcra"}])
def test_a_limit_that_is_not_what_was_promised_is_lost_on_any_node(change: dict[str, Any]) -> None:
    facts = lost(reports(counter(3, 3), counter(3, 3, **change)), PROMISED)
    (found,) = facts["lost"]
    assert (found["key"], found["promised"]) == ("a", "10 per 10 s (sliding_log)")
    assert found["enforced"] != found["promised"]
