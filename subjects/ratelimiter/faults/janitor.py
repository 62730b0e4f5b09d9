"""A stray process that tidies other people's data: it trims and pads the fullest counters of a store, until ended.

python -m subjects.ratelimiter.faults.janitor 127.0.0.1:6379
"""

from __future__ import annotations

import contextlib
import os
import random
import sys
import time
from typing import cast

import redis

EVERY_S = 0.2
FULL = 5
"""Only counters with so many entries are touched."""


def main() -> None:
    host, _, port = sys.argv[1].rpartition(":")
    store = redis.Redis(host=host, port=int(port), client_name=f"counter-janitor:{os.getpid()}")
    while True:
        with contextlib.suppress(redis.ConnectionError, redis.TimeoutError):  # once it is back, it goes on
            tidy(store)
        time.sleep(EVERY_S)


def tidy(store: redis.Redis) -> None:
    """Change one counter: half of its entries go, or half as many come."""
    logs = list(store.scan_iter("rl:{*}:log", count=1000))
    random.shuffle(logs)
    for log in logs:
        entries = cast(list[bytes], store.zrange(log, 0, -1))
        if len(entries) >= FULL:
            half = len(entries) // 2
            if random.random() < 0.5:
                store.zrem(log, *random.sample(entries, half))
            else:
                seconds, microseconds = store.time()
                now = seconds * 1_000_000 + microseconds
                store.zadd(log, {f"{os.getpid()}:{now}:{n}": now for n in range(half)})
            return


if __name__ == "__main__":
    main()
