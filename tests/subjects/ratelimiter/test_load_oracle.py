"""The judge of what clients get: it sees what is wrong, and accuses nobody who is right."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subjects.ratelimiter.load.oracle import LOST_S, Oracle, oracle_of
from subjects.ratelimiter.load.traffic import LoadKey

BEGIN = 1000.0


def key(algorithm: str = "sliding_log", limit: int = 3, burst: int | None = None) -> LoadKey:
    return LoadKey("k", 1.0, limit, 10.0, algorithm, limit if burst is None else burst)


def allow(oracle: Oracle, at: float, took: float = 0.001) -> bool:
    oracle.sent()
    return oracle.was_allowed(at, at + took)


def refuse(oracle: Oracle, at: float, took: float = 0.001) -> bool:
    oracle.sent()
    return oracle.was_refused(at, at + took)


@pytest.mark.parametrize("algorithm", ["sliding_log", "gcra"])
def test_more_than_the_limit_is_wrong_and_counted_once(algorithm: str) -> None:
    oracle = oracle_of(key(algorithm), BEGIN)
    assert [allow(oracle, BEGIN + n / 100) for n in range(6)] == [True] * 3 + [False] * 3
    assert oracle.used(BEGIN + 1) == 6
    assert allow(oracle, BEGIN + 11), "what was wrong does not make the next one wrong"


def test_an_answer_that_came_late_is_given_the_benefit_of_the_doubt() -> None:
    """It may have been decided when it was sent, or when it came: so the window may have moved on."""
    oracle = oracle_of(key(limit=1), BEGIN)
    assert allow(oracle, BEGIN)
    assert allow(oracle, BEGIN + 9.5, took=0.6)
    strict = oracle_of(key(limit=1), BEGIN)
    assert allow(strict, BEGIN)
    assert not allow(strict, BEGIN + 9.5, took=0.1)


@pytest.mark.parametrize("algorithm", ["sliding_log", "gcra"])
def test_a_refusal_with_room_left_is_wrong(algorithm: str) -> None:
    oracle = oracle_of(key(algorithm), BEGIN)
    late = BEGIN + 100
    assert not refuse(oracle, late)
    for n in range(2):
        allow(oracle, late + n / 100)
    assert not refuse(oracle, late + 0.1)
    allow(oracle, late + 0.2)
    assert refuse(oracle, late + 0.3)


@pytest.mark.parametrize("algorithm", ["sliding_log", "gcra"])
def test_before_a_window_has_passed_no_refusal_is_judged(algorithm: str) -> None:
    """An earlier load may have used the limit up."""
    assert refuse(oracle_of(key(algorithm), BEGIN), BEGIN + 9)


@pytest.mark.parametrize("algorithm", ["sliding_log", "gcra"])
def test_what_got_no_answer_may_have_counted(algorithm: str) -> None:
    oracle = oracle_of(key(algorithm), BEGIN)
    late = BEGIN + 100
    for _ in range(3):
        oracle.sent()
        oracle.lost(late)
    assert refuse(oracle, late + 1)
    assert refuse(oracle, late + LOST_S), "a node that hung may carry it out when it runs on"
    assert not refuse(oracle, late + LOST_S + 15)


@pytest.mark.parametrize("algorithm", ["sliding_log", "gcra"])
def test_what_is_still_on_its_way_may_have_counted(algorithm: str) -> None:
    oracle = oracle_of(key(algorithm), BEGIN)
    for _ in range(3):
        oracle.sent()
    assert refuse(oracle, BEGIN + 100)


@given(
    st.sampled_from(["sliding_log", "gcra"]),
    st.integers(1, 6),
    st.integers(1, 6),
    st.lists(st.tuples(st.floats(0, 4), st.floats(0, 0.5), st.floats(0, 1)), max_size=80),
)
def test_a_right_limiter_is_never_accused(
    algorithm: str, limit: int, burst: int, steps: list[tuple[float, float, float]]
) -> None:
    """Each step: how long after the last decision the next one is made, and how long its way there and back took."""
    limited = key(algorithm, limit, min(burst, limit))
    oracle = oracle_of(limited, BEGIN)
    counted: list[float] = []
    full_until = at = BEGIN
    interval = math.ceil(limited.window_s * 1e6 / limit) / 1e6
    for ahead, there, back in steps:
        at += ahead
        if algorithm == "gcra":
            fresh = max(full_until, at) + interval
            allowed = fresh - at <= limited.burst * interval + 1e-9
            full_until = fresh if allowed else full_until
        else:
            allowed = sum(when > at - limited.window_s for when in counted) < limit
            counted += [at] if allowed else []
        oracle.sent()
        judge = oracle.was_allowed if allowed else oracle.was_refused
        assert judge(at - there, at + min(back, 0.04))
