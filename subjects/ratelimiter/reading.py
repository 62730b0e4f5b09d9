"""Which commands of the rate limiter's own only read."""

from __future__ import annotations

from collections.abc import Sequence

STORE_READS = {
    ("ping",), ("info",), ("get",), ("mget",), ("ttl",), ("pttl",), ("type",), ("exists",), ("dbsize",), ("scan",),
    ("zcard",), ("zcount",), ("zrange",), ("zrangebyscore",), ("hget",), ("hmget",), ("hgetall",), ("time",), ("keys",),
    ("client", "list"), ("client", "info"), ("config", "get"), ("memory", "usage"),
    ("slowlog", "get"), ("latency", "latest"),
}  # fmt: skip
"""Commands of the store, with the subcommand where that decides."""


def reads(words: Sequence[str]) -> bool:
    """Knows `python -m subjects.ratelimiter.cli HOST:PORT COMMAND ...` and `... .drift NODE ...`."""
    match words:
        case ["python" | "python3", "-m", "subjects.ratelimiter.drift", *_]:
            return True
        case ["python" | "python3", "-m", "subjects.ratelimiter.cli", "--timeout", _, _, *command]:
            return _store_reads(command)
        case ["python" | "python3", "-m", "subjects.ratelimiter.cli", _, *command]:
            return _store_reads(command)
    return False


def _store_reads(command: Sequence[str]) -> bool:
    lower = tuple(word.lower() for word in command)
    return lower[:1] in STORE_READS or lower[:2] in STORE_READS
