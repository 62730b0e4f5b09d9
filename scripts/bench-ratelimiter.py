"""How fast one node of the rate limiter is: checks/s and p99, beside the same server answering without a store.

    scripts/bench-ratelimiter.py [--checks 4000] [--connections 32] [--rounds 3]

Starts a store and a node on free ports of 127.0.0.1, and asks over kept connections, each as fast as it is answered.
In every round GET /healthz, the sliding log and GCRA take turns, so that a machine that slows down slows all of them;
the medians are printed, and their ratio to /healthz. No round takes more than 10 s for each.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import math
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from subjects.ratelimiter.load.client import Client
from subjects.ratelimiter.store import store_command

HOST = "127.0.0.1"
KEYS = 1000
LONGEST_S = 10.0
READY_WITHIN_S = 15.0
BASELINE = "GET /healthz"


@dataclass(frozen=True)
class Asked:
    name: str
    method: str
    path: str
    algorithm: str = ""

    def body(self, n: int) -> bytes:
        return b'{"key":"%b-%d"}' % (self.algorithm.encode(), n % KEYS) if self.algorithm else b""


EVERY = (
    Asked(BASELINE, "GET", "/healthz"),
    Asked("check, sliding log", "POST", "/v1/check", "sliding_log"),
    Asked("check, GCRA", "POST", "/v1/check", "gcra"),
)


@dataclass(frozen=True)
class Figures:
    per_s: float
    p50_ms: float
    p99_ms: float


async def ask(client: Client, asked: Asked, checks: int, connections: int) -> Figures:
    latencies: list[float] = []
    numbers = iter(range(checks))
    ends = time.perf_counter() + LONGEST_S

    async def one_connection() -> None:
        for n in numbers:
            began = time.perf_counter()
            if began > ends:
                return
            status, answer = await client.request(asked.method, asked.path, asked.body(n))
            if status not in (200, 429) or (asked.algorithm and b'"decided_by":"store"' not in answer):
                raise SystemExit(f"{asked.path} answered {status}: {answer.decode()}")
            latencies.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(one_connection() for _ in range(connections)))
    took = time.perf_counter() - began
    latencies.sort()
    p50, p99 = (latencies[math.ceil(share * len(latencies)) - 1] * 1000 for share in (0.5, 0.99))
    return Figures(len(latencies) / took, p50, p99)


async def run(port: int, checks: int, connections: int, rounds: int) -> None:
    client = Client(HOST, port)
    await ready(client)
    for n in range(KEYS):
        for algorithm in ("sliding_log", "gcra"):
            limit = b'{"limit":100,"window_s":10,"algorithm":"%b"}' % algorithm.encode()
            await client.request("PUT", f"/v1/limits/{algorithm}-{n}", limit)
    figures: dict[str, list[Figures]] = {asked.name: [] for asked in EVERY}
    for _ in range(rounds):
        for asked in EVERY:
            figures[asked.name].append(await ask(client, asked, checks, connections))
    client.close()

    print(f"one node, {connections} connections, {checks} requests, median of {rounds} rounds, {os.cpu_count()} cores")
    print(f"{'':20}{'per s':>8}{'p50 ms':>9}{'p99 ms':>9}{'ratio':>8}")
    base = statistics.median(each.per_s for each in figures[BASELINE])
    for name, each in figures.items():
        per_s, p50, p99 = (
            statistics.median(getattr(one, what) for one in each) for what in ("per_s", "p50_ms", "p99_ms")
        )
        print(f"{name:20}{per_s:8.0f}{p50:9.2f}{p99:9.2f}{per_s / base:8.2f}")


async def ready(client: Client) -> None:
    ends = time.perf_counter() + READY_WITHIN_S
    while time.perf_counter() < ends:
        with contextlib.suppress(OSError):
            if (await client.request("GET", "/readyz", b""))[0] == 200:
                return
        await asyncio.sleep(0.05)
    raise SystemExit(f"The node was not ready within {READY_WITHIN_S:g} s.")


@contextlib.contextmanager
def process(*argv: str) -> Iterator[None]:
    started = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        started.kill()
        started.wait()


def free_port() -> int:
    with socket.create_server((HOST, 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
    return int(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checks", type=positive, default=4000)
    parser.add_argument("--connections", type=positive, default=32)
    parser.add_argument("--rounds", type=positive, default=3)
    args = parser.parse_args()
    store, port = free_port(), free_port()
    node = (sys.executable, "-m", "subjects.ratelimiter.service", "--name", "bench", "--failure-mode", "closed")
    with (
        tempfile.TemporaryDirectory() as data,
        process(*store_command(store, Path(data))),
        process(*node, "--port", str(port), "--store", f"{HOST}:{store}", "--store-timeout-ms", "5000"),
    ):
        asyncio.run(run(port, args.checks, args.connections, args.rounds))


if __name__ == "__main__":
    main()
