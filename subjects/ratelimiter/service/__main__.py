"""The command line of a node."""

from __future__ import annotations

import argparse
import asyncio
import re
import socket
import sys

import msgspec

from subjects.arguments import Parser, address, port
from subjects.ratelimiter.service.app import make_app
from subjects.ratelimiter.service.limiter import Config
from subjects.ratelimiter.service.node import Node
from subjects.serving import listen, log_to_stderr, serve

NAME = re.compile(r"[A-Za-z0-9._:-]{1,64}")

EXAMPLES = """\
examples:
  # a node on port 8080, with the store on this machine
  python -m subjects.ratelimiter.service
  # three nodes that enforce the same limits
  python -m subjects.ratelimiter.service --name node-1 --port 7001 --store 10.0.0.5:6379
  python -m subjects.ratelimiter.service --name node-2 --port 7002 --store 10.0.0.5:6379
  python -m subjects.ratelimiter.service --name node-3 --port 7003 --store 10.0.0.5:6379

  # five checks in ten seconds for alice, on every node
  curl -X PUT http://127.0.0.1:7001/v1/limits/alice -d '{"limit": 5, "window_s": 10}'
  curl -i http://127.0.0.1:7002/v1/check -d '{"key": "alice"}'

interface:
  POST /v1/check {"key", "cost": 1}     200, 429, or 503 where the store is lost and the node fails closed
  GET PUT DELETE /v1/limits/KEY         {"limit", "window_s", "algorithm": "sliding_log" or "gcra", "burst"}
  GET /v1/limits                        every limit that is stored
  GET /v1/counters[?key=K&at=T&limit=N] what the store counts, beside what this node admitted
  DELETE /v1/counters/KEY               start a counter afresh
  GET /v1/nodes                         the nodes of the cluster, up or down
  GET PUT /v1/config                    failure_mode, store_timeout_ms, default_limit: this node's alone
  GET /healthz /readyz /metrics         the process; the store too; Prometheus
"""


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(
        prog="python -m subjects.ratelimiter.service",
        description="One node of a distributed rate limiter. Its limits and counters are in a Valkey or Redis that all "
        "nodes share; it also starts without it, and connects as soon as it can.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    where = parser.add_argument_group("where it is")
    where.add_argument("--name", metavar="NAME", help="its name in the cluster (default: HOSTNAME:PORT)")
    where.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    where.add_argument("--port", type=port, default=8080, help="the port to listen on (default: %(default)s)")
    where.add_argument(
        "--store",
        type=address,
        default=("127.0.0.1", 6379),
        metavar="HOST:PORT",
        help="the Valkey or Redis of the cluster (default: 127.0.0.1:6379)",
    )
    without = parser.add_argument_group("without the store")
    without.add_argument(
        "--failure-mode",
        choices=("open", "closed", "local"),
        default="open",
        help="allow every check, refuse with 503, or count in this node alone, its share of each limit "
        "(default: %(default)s)",
    )
    without.add_argument(
        "--store-timeout-ms",
        type=int,
        default=250,
        metavar="MS",
        help="the longest that a check waits for the store, all included (default: %(default)s)",
    )
    default = parser.add_argument_group("keys without a limit of their own")
    default.add_argument("--default-limit", type=int, default=100, metavar="N", help="units (default: %(default)s)")
    default.add_argument(
        "--default-window", type=float, default=10.0, metavar="S", help="seconds (default: %(default)g)"
    )
    default.add_argument(
        "--default-algorithm",
        choices=("sliding_log", "gcra"),
        default="sliding_log",
        help="exact, or constant memory for each key (default: %(default)s)",
    )
    args = parser.parse_args(arguments)
    args.name = args.name or f"{socket.gethostname()}:{args.port}"
    if not NAME.fullmatch(args.name):
        parser.error(f"--name {args.name!r} must be 1 to 64 letters, digits, or . _ : -")
    try:
        args.config = msgspec.convert(
            {
                "failure_mode": args.failure_mode,
                "store_timeout_ms": args.store_timeout_ms,
                "default_limit": {
                    "limit": args.default_limit,
                    "window_s": args.default_window,
                    "algorithm": args.default_algorithm,
                },
            },
            Config,
        )
    except msgspec.ValidationError as error:
        parser.error(f"these settings cannot be: {error}")
    return args


async def _run(args: argparse.Namespace, listening: socket.socket) -> None:
    host, number = listening.getsockname()[:2]
    node = Node(args.name, f"{host}:{number}", args.store, args.config)
    async with asyncio.TaskGroup() as group:
        work = group.create_task(node.run())
        await serve(make_app(node), listening)
        work.cancel()


def main() -> int:
    args = parse()
    listening = listen(args.host, args.port)
    log_to_stderr()
    asyncio.run(_run(args, listening))
    return 0


if __name__ == "__main__":
    sys.exit(main())
