"""The scripts against models of the algorithms, with the clock held still."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import redis
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from subjects.ratelimiter.service import scripts
from tests.stores import RealStore

BEGIN = 1_800_000_000_000_000
"""A time of the store, in µs: as long as a real one, so that a figure cut to 14 digits shows."""

TIME = "redis.call('TIME')"
CHECK = scripts.CHECK.source.replace(TIME, "{ARGV[8], ARGV[9]}")

Answer = tuple[bool, int, int, int]
"""Allowed, remaining, more_in, retry_in."""


def test_the_time_is_asked_for_once() -> None:
    """It moves on within a script."""
    for script in (scripts.CHECK, scripts.COUNT, scripts.RESET, scripts.SET_LIMIT, scripts.BEAT):
        assert script.source.count(TIME) == 1


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis.Redis]:
    """One store for all examples, asked by a client that is not ours."""

    async def start() -> RealStore:
        started = RealStore(tmp_path_factory.mktemp("store"))
        await started.start()
        return started

    with asyncio.Runner() as runner:
        running = runner.run(start())
        client = redis.Redis(host=running.address.host, port=running.address.port)
        yield client
        client.close()
        runner.run(running.kill())


def check(client: redis.Redis, now: int, cost: int, limit: tuple[str, int, int, int], id_: str) -> Answer:
    keys = [scripts.name_of(kind, "k") for kind in ("limit", "log", "tat")]
    reply = client.eval(CHECK, 3, *keys, cost, now + 1, id_, *limit, now // 1_000_000, now % 1_000_000)
    assert reply[0] == now
    return reply[1] == 1, reply[7], reply[8], reply[9]


@dataclass
class Log:
    limit: int
    window: int
    entries: list[int] = field(default_factory=list)

    def check(self, now: int, cost: int) -> Answer:
        live = [at for at in self.entries if at > now - self.window]
        allowed = len(live) + cost <= self.limit
        retry_in = 0
        if allowed:
            live += [now] * cost
        elif cost > self.limit:
            retry_in = -1
        else:
            retry_in = live[len(live) + cost - self.limit - 1] + self.window - now
        self.entries = live
        more_in = live[max(1, len(live) - self.limit + 1) - 1] + self.window - now if live else 0
        return allowed, max(0, self.limit - len(live)), more_in, retry_in


@dataclass
class Gcra:
    limit: int
    window: int
    burst: int
    full_until: int = 0

    def check(self, now: int, cost: int) -> Answer:
        interval = math.ceil(self.window / self.limit)
        level = max(0, self.full_until - now)
        room = self.burst * interval - level
        allowed = cost * interval <= room
        retry_in = 0 if allowed else -1 if cost > self.burst else cost * interval - room
        if allowed:
            level += cost * interval
            room -= cost * interval
        self.full_until = now + level
        remaining = room // interval
        return allowed, remaining, (remaining + 1) * interval - room if remaining < self.burst else 0, retry_in


steps = st.lists(
    st.tuples(st.integers(0, 700_000) | st.sampled_from([0, 1, 500_000, 1_000_000]), st.integers(1, 12)), max_size=40
)
limits = st.tuples(st.integers(1, 10), st.sampled_from([100_000, 1_000_000, 1_234_567, 3_000_000]))
no_fixture_check = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@given(limits, steps)
@example((3, 1_000_000), [(0, 1), (0, 2), (999_999, 1), (1, 1)])
@no_fixture_check
def test_the_sliding_log_is_its_model(store: redis.Redis, limit: tuple[int, int], steps: list[tuple[int, int]]) -> None:
    store.flushdb()
    model, now = Log(*limit), BEGIN
    admitted: list[int] = []
    for number, (ahead, cost) in enumerate(steps):
        now += ahead
        answer = check(store, now, cost, ("sliding_log", limit[0], limit[1], limit[0]), f"id-{number}")
        assert answer == model.check(now, cost)
        admitted += [now] * cost if answer[0] else []
        assert sum(at > now - limit[1] for at in admitted) <= limit[0], "more than the limit in a window"


@given(limits, st.integers(1, 10), steps)
@no_fixture_check
def test_gcra_is_its_model(
    store: redis.Redis, limit: tuple[int, int], burst: int, steps: list[tuple[int, int]]
) -> None:
    store.flushdb()
    burst = min(burst, limit[0])
    model, now = Gcra(*limit, burst), BEGIN
    admitted: list[int] = []
    for number, (ahead, cost) in enumerate(steps):
        now += ahead
        answer = check(store, now, cost, ("gcra", *limit, burst), f"id-{number}")
        assert answer == model.check(now, cost)
        admitted += [now] * cost if answer[0] else []
        for nth, since in enumerate(admitted):
            most = burst + (now - since) * limit[0] / limit[1]
            assert len(admitted) - nth <= most, "more than burst and rate allow"


@given(limits, steps, st.sampled_from(["sliding_log", "gcra"]), st.integers(1, 10))
@no_fixture_check
def test_a_wait_of_retry_in_is_enough_and_not_too_long(
    store: redis.Redis, limit: tuple[int, int], steps: list[tuple[int, int]], algorithm: str, cost: int
) -> None:
    store.flushdb()
    now, rule = BEGIN, (algorithm, *limit, limit[0])
    for number, (ahead, units) in enumerate(steps):
        now += ahead
        check(store, now, units, rule, f"id-{number}")
    allowed, _, _, retry_in = check(store, now, cost, rule, "refused")
    if allowed:
        return
    if retry_in < 0:
        assert cost > limit[0]
        return
    assert not check(store, now + retry_in - 1, cost, rule, "too early")[0]
    assert check(store, now + retry_in, cost, rule, "in time")[0]


def test_entries_of_one_microsecond_all_count(store: redis.Redis) -> None:
    store.flushdb()
    answers = [check(store, BEGIN, 1, ("sliding_log", 3, 1_000_000, 3), f"id-{n}")[0] for n in range(5)]
    assert answers == [True, True, True, False, False]


def test_after_its_deadline_a_check_does_not_count(store: redis.Redis) -> None:
    store.flushdb()
    keys = [scripts.name_of(kind, "k") for kind in ("limit", "log", "tat")]
    late = store.eval(CHECK, 3, *keys, 1, BEGIN - 1, "id", "sliding_log", 3, 1_000_000, 3, BEGIN // 1_000_000, 0)
    assert late == [BEGIN]
    assert store.keys() == []


def test_a_limit_that_was_raised_is_raised_at_once(store: redis.Redis) -> None:
    """A key that waits an hour for its next unit must not do so when it is given one a second."""
    store.flushdb()
    assert check(store, BEGIN, 1, ("gcra", 1, 3_600_000_000, 1), "a")[0]
    assert not check(store, BEGIN + 1, 1, ("gcra", 1, 3_600_000_000, 1), "b")[0]
    raised = ("gcra", 10, 10_000_000, 2)
    assert check(store, BEGIN + 2, 1, raised, "c") == (False, 0, 1_000_000, 1_000_000)
    assert check(store, BEGIN + 1_000_002, 1, raised, "d")[0]
