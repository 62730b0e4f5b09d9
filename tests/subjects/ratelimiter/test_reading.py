from __future__ import annotations

import shlex

import pytest

from operator_core.agent.readonly import effect_of
from subjects.ratelimiter.reading import reads

CLI = "python -m subjects.ratelimiter.cli 127.0.0.1:6379"


@pytest.mark.parametrize(
    "command",
    [
        f"{CLI} PING",
        f"{CLI} client list",
        f"{CLI} ZRANGE 'rl:{{customer-001}}:log' 0 -1 WITHSCORES",
        "python -m subjects.ratelimiter.cli --timeout 1 127.0.0.1:6379 INFO server",
        "python -m subjects.ratelimiter.drift 127.0.0.1:7001 127.0.0.1:7002",
    ],
)
def test_what_only_looks(command: str) -> None:
    assert reads(shlex.split(command))
    assert effect_of(command, reads) == "reads"


@pytest.mark.parametrize(
    "command",
    [
        CLI,
        f"{CLI} FLUSHALL",
        f"{CLI} CLIENT KILL ID 3",
        f"{CLI} CONFIG SET maxmemory 1",
        f"{CLI} EVAL 'return 1' 0",
        "python -m subjects.ratelimiter.service",
        "python -c 'print(1)'",
        "curl -X DELETE http://127.0.0.1:7001/v1/counters/a",
    ],
)
def test_what_may_change_something(command: str) -> None:
    assert not reads(shlex.split(command))
