"""What one node answers: decisions, fields, limits, settings, and bad input."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis

from tests.stores import RealStore
from tests.subjects.ratelimiter.nodes import Asked, node_here


@pytest.fixture
async def node(valkey: RealStore) -> AsyncIterator[Asked]:
    async with node_here(valkey) as asked:
        yield asked


async def test_a_check_is_counted_and_then_refused(node: Asked) -> None:
    await node.limit("alice", 2, 3600)
    first, second, third = [await node.check("alice") for _ in range(3)]
    assert (first.status_code, second.status_code, third.status_code) == (200, 200, 429)
    shown = {"allowed": True, "key": "alice", "limit": 2, "remaining": 1, "decided_by": "store"}
    assert shown.items() <= first.json().items()
    assert 3599 < first.json()["reset_s"] <= 3600
    assert first.headers["RateLimit-Policy"] == '"limit";q=2;w=3600'
    assert first.headers["RateLimit"] == '"limit";r=1;t=3600'
    assert third.headers["Content-Type"] == "application/problem+json"
    assert third.json()["type"] == "https://iana.org/assignments/http-problem-types#quota-exceeded"
    assert third.json()["status"] == 429
    assert third.json()["remaining"] == 0


@pytest.mark.parametrize("algorithm", ["sliding_log", "gcra"])
async def test_retry_after_is_not_earlier_than_the_reset(node: Asked, algorithm: str) -> None:
    await node.limit("alice", 5, 50, algorithm=algorithm)
    await node.check("alice", cost=4)
    refused = await node.check("alice", cost=3)
    assert refused.status_code == 429
    reset = re.fullmatch(r'"limit";r=1;t=(\d+)', refused.headers["RateLimit"])
    assert reset is not None
    assert int(refused.headers["Retry-After"]) >= max(int(reset[1]), refused.json()["retry_after_s"])


async def test_what_is_refused_is_not_counted(node: Asked) -> None:
    await node.limit("alice", 5, 3600)
    assert (await node.check("alice", cost=4)).status_code == 200
    for _ in range(3):
        assert (await node.check("alice", cost=2)).status_code == 429
    assert (await node.check("alice", cost=1)).status_code == 200


async def test_a_cost_above_the_limit_is_never_allowed_and_says_so(node: Asked) -> None:
    for algorithm in ("sliding_log", "gcra"):
        await node.limit(algorithm, 5, 10, algorithm=algorithm)
        refused = await node.check(algorithm, cost=6)
        assert refused.status_code == 429
        assert "Retry-After" not in refused.headers
        assert refused.json()["retry_after_s"] is None
        assert refused.json()["remaining"] == 5


async def test_a_limit_of_zero_blocks_a_key(node: Asked) -> None:
    for algorithm in ("sliding_log", "gcra"):
        await node.limit(algorithm, 0, 10, algorithm=algorithm)
        assert (await node.check(algorithm)).status_code == 429


async def test_a_window_of_parts_of_seconds_is_left_out_of_the_policy(node: Asked) -> None:
    await node.limit("alice", 5, 2.5)
    assert (await node.check("alice")).headers["RateLimit-Policy"] == '"limit";q=5'


async def test_keys_without_a_limit_have_the_default(node: Asked) -> None:
    await node.config(default_limit={"limit": 1, "window_s": 3600})
    allowed, refused = await node.check("nobody"), await node.check("nobody")
    assert allowed.headers["RateLimit-Policy"] == '"default";q=1;w=3600'
    assert refused.status_code == 429


async def test_limits_are_listed_shown_changed_and_removed(node: Asked) -> None:
    assert await node.get("/v1/limits") == []
    await node.limit("a/b c", 5, 10)
    await node.limit("z", 7, 1.5, algorithm="gcra", burst=2)
    one = {"key": "a/b c", "limit": 5, "window_s": 10.0, "algorithm": "sliding_log"}
    other = {"key": "z", "limit": 7, "window_s": 1.5, "algorithm": "gcra", "burst": 2}
    assert await node.get("/v1/limits") == [one, other]
    assert await node.get("/v1/limits/a/b c") == one
    assert (await node.http.delete("/v1/limits/z")).status_code == 204
    assert (await node.http.delete("/v1/limits/z")).status_code == 404
    assert (await node.http.get("/v1/limits/z")).status_code == 404
    assert await node.get("/v1/limits") == [one]


async def test_settings_change_in_part(node: Asked) -> None:
    before = await node.get("/v1/config")
    await node.config(failure_mode="local")
    assert await node.get("/v1/config") == before | {"failure_mode": "local"}
    assert before["store_timeout_ms"] == 1000
    assert before["default_limit"] == {"limit": 100, "window_s": 10.0, "algorithm": "sliding_log"}


async def test_every_key_in_the_store_has_a_time_to_live(node: Asked, valkey: RealStore) -> None:
    await node.limit("log", 5, 10)
    await node.limit("gcra", 5, 10, algorithm="gcra")
    for key in ("log", "gcra", "none"):
        await node.check(key)
        await node.http.delete(f"/v1/counters/{key}")
        await node.check(key)
    await node.get("/v1/nodes")
    with redis.Redis(port=valkey.address.port) as client:
        names = client.keys()
        assert len(names) >= 9
        assert [name for name in names if client.ttl(name) < 0] == []


async def test_a_limit_in_use_does_not_lapse(node: Asked, valkey: RealStore) -> None:
    await node.limit("alice", 5, 10)
    with redis.Redis(port=valkey.address.port) as client:
        client.expire("rl:{alice}:limit", 60)
        await node.check("alice")
        assert client.ttl("rl:{alice}:limit") > 86_400


async def test_metrics_name_the_node_on_every_series(node: Asked) -> None:
    await node.limit("alice", 1, 3600)
    await node.check("alice")
    await node.check("alice")
    text = (await node.http.get("/metrics")).text
    series = [line for line in text.splitlines() if not line.startswith("#")]
    assert all('node="node-1"' in line for line in series)
    for outcome in ("allowed", "denied"):
        assert f'ratelimiter_checks_total{{decided_by="store",node="node-1",outcome="{outcome}"}} 1.0' in series
    assert 'ratelimiter_check_duration_seconds_count{node="node-1"} 2.0' in series
    assert 'ratelimiter_store_up{node="node-1"} 1.0' in series


async def test_the_process_and_the_store_are_told_apart(node: Asked, valkey: RealStore) -> None:
    assert (await node.get("/readyz"))["store"] == "up"
    await valkey.kill()
    assert (await node.http.get("/healthz")).status_code == 200
    lost = await node.http.get("/readyz")
    assert lost.status_code == 503
    assert lost.json()["store"] != "up"


BAD_CHECKS: list[Any] = [
    b"",
    b"{",
    b"\xff",
    b"[]",
    b"{}",
    b'{"key": ""}',
    b'{"key": 7}',
    b'{"key": "a{b}c"}',
    b'{"key": "a\\nb"}',
    b'{"key": "\\ud800"}',
    b'{"key": "' + b"k" * 201 + b'"}',
    b'{"key": "a", "cost": 0}',
    b'{"key": "a", "cost": -1}',
    b'{"key": "a", "cost": 1.5}',
    b'{"key": "a", "cost": true}',
    b'{"key": "a", "cost": "1"}',
    b'{"key": "a", "cost": 10001}',
    b'{"key": "a", "cost": 99999999999999999999999999}',
    b'{"key": "a", "limit": 1000}',
]


@pytest.mark.parametrize("body", BAD_CHECKS, ids=repr)
async def test_a_bad_check_is_a_problem_with_a_reason(node: Asked, body: bytes) -> None:
    refused = await node.http.post("/v1/check", content=body)
    assert refused.status_code == 400
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert len(refused.json()["detail"]) > 10


@pytest.mark.parametrize(
    "limit",
    [
        {"limit": 5},
        {"limit": -1, "window_s": 10},
        {"limit": 1_000_001, "window_s": 10},
        {"limit": 1.5, "window_s": 10},
        {"limit": 5, "window_s": 0},
        {"limit": 5, "window_s": 1e12},
        {"limit": 5, "window_s": 10, "algorithm": "fixed"},
        {"limit": 5, "window_s": 10, "burst": 2},
        {"limit": 5, "window_s": 10, "algorithm": "gcra", "burst": 6},
        {"limit": 5, "window_s": 10, "unknown": 1},
    ],
    ids=repr,
)
async def test_a_bad_limit_is_refused_and_changes_nothing(node: Asked, limit: dict[str, Any]) -> None:
    await node.limit("alice", 3, 10)
    assert (await node.http.put("/v1/limits/alice", json=limit)).status_code == 400
    assert (await node.get("/v1/limits/alice"))["limit"] == 3


async def test_other_bad_requests(node: Asked) -> None:
    for body in ({"failure_mode": "maybe"}, {"store_timeout_ms": 0}, {"store": "elsewhere"}):
        assert (await node.http.put("/v1/config", json=body)).status_code == 400
    for query in ("at=yesterday", "at=1", "at=4000000000", "limit=0", "key=a{b"):
        assert (await node.http.get(f"/v1/counters?{query}")).status_code == 400, query
    assert (await node.http.get("/v1/unknown")).status_code == 404
    assert (await node.http.get("/v1/check")).status_code == 405
    assert (await node.http.post("/v1/check", content=b" " * 70_000)).status_code == 413
    assert (await node.http.put("/v1/limits/" + "k" * 201, json={"limit": 1, "window_s": 1})).status_code == 400
