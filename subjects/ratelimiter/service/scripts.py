"""What the node asks of the store, with the keys it uses there.

All keys of a check carry one hash tag, and all have a time to live: a log its window, a limit 30 days from when it was
last set or used, the table of nodes 30 days from the last heartbeat.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources
from typing import Any

from subjects.ratelimiter.service.limits import Limit
from subjects.ratelimiter.service.store_client import Script, StoreClient

NODES = "rl:nodes"


def _load(name: str) -> Script:
    source = resources.files(__package__).joinpath("lua", f"{name}.lua").read_text("utf-8")
    return Script(source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())


CHECK, COUNT, RESET, SET_LIMIT, BEAT = (_load(name) for name in ("check", "count", "reset", "set_limit", "beat"))


def name_of(kind: str, key: str) -> str:
    """`kind`: limit, log, tat, reset."""
    return f"rl:{{{key}}}:{kind}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the store decided on a check; times in µs. `retry_in` is -1 if this cost can never be allowed."""

    now: int
    allowed: bool
    stored: bool
    limit: Limit
    remaining: int
    more_in: int
    retry_in: int


@dataclass(frozen=True, slots=True)
class Count:
    """`reset`: before this (µs, store time) nothing is counted, or 0."""

    now: int
    limit: Limit
    count: int
    reset: int


async def check(store: StoreClient, key: str, cost: int, deadline: int, id_: str, default: Limit) -> Verdict | None:
    """None if the store got to it after the deadline (µs, store time): then it does not count, and can be repeated."""
    reply = await store.script(
        CHECK,
        [name_of("limit", key), name_of("log", key), name_of("tat", key)],
        [cost, deadline, id_, *default.arguments()],
    )
    store.clock.saw(reply[0])
    if len(reply) == 1:
        return None
    now, allowed, stored, algorithm, limit, window, burst, remaining, more_in, retry_in = reply
    return Verdict(
        now, allowed == 1, stored == 1, Limit.of(algorithm, limit, window, burst), remaining, more_in, retry_in
    )


async def count(store: StoreClient, key: str, at: int, default: Limit) -> Count:
    keys = [name_of(kind, key) for kind in ("limit", "log", "tat", "reset")]
    now, algorithm, limit, window, burst, counted, reset = await store.script(COUNT, keys, [at, *default.arguments()])
    return Count(now, Limit.of(algorithm, limit, window, burst), counted, reset)


async def reset(store: StoreClient, key: str, default: Limit) -> int:
    """Clear the counter; gives the time of it (µs)."""
    keys = [name_of(kind, key) for kind in ("limit", "log", "tat", "reset")]
    now: int = await store.script(RESET, keys, [default.window_us])
    return now


async def set_limit(store: StoreClient, key: str, limit: Limit | None) -> bool:
    """Store a limit, or remove it; gives whether there was one before."""
    arguments = limit.arguments() if limit else ()
    return bool(await store.script(SET_LIMIT, [name_of("limit", key), name_of("reset", key)], arguments))


async def get_limit(store: StoreClient, key: str) -> Limit | None:
    fields = await store.call("HMGET", name_of("limit", key), "algorithm", "limit", "window", "burst")
    return None if fields[0] is None else Limit.of(*fields)


async def keys_with(store: StoreClient, *kinds: str) -> list[str]:
    """Every key that the store holds something of these kinds for, in alphabetical order."""
    found: set[str] = set()
    cursor: Any = b"0"
    while True:
        cursor, names = await store.call("SCAN", cursor, "MATCH", "rl:{*}:*", "COUNT", 1000)
        for name in names:
            key, _, kind = name.decode("utf-8", "replace").removeprefix("rl:{").rpartition("}:")
            if kind in kinds:
                found.add(key)
        if cursor == b"0":
            return sorted(found)


@dataclass(frozen=True, slots=True)
class Member:
    name: str
    address: str
    last_seen_s: float


async def members(store: StoreClient, *beat: str) -> list[Member]:
    """Every node that ever gave a sign of life; `beat` (name, address) gives one first."""
    now, *pairs = await store.script(BEAT, [NODES], beat)
    store.clock.saw(now)
    nodes = []
    for name, value in zip(pairs[::2], pairs[1::2], strict=True):
        seen, _, address = value.decode().partition(" ")
        nodes.append(Member(name.decode(), address, max(0.0, (now - int(seen)) / 1_000_000)))
    return sorted(nodes, key=lambda member: member.name)
