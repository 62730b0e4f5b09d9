"""The command line of the load generator."""

from __future__ import annotations

import argparse
import asyncio
import random
import socket
import sys

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from subjects.arguments import Parser, address, port
from subjects.ratelimiter.load.client import Client
from subjects.ratelimiter.load.generator import Generator
from subjects.ratelimiter.load.traffic import arrivals, make_keys
from subjects.serving import listen, log_to_stderr, serve

MAX_RATE, MAX_KEYS = 5000.0, 5000

EXAMPLES = """\
example:
  python -m subjects.ratelimiter.load --node 127.0.0.1:7001 --node 127.0.0.1:7002 --port 7009
  curl -s http://127.0.0.1:7009/stats

GET /stats: rates and latencies of the last two seconds; errors, and what clients wrongly got, since the start.
GET /limits: the limits that it set, and that its clients go by, by key; ?key=KEY, which may be repeated, asks for some.
"""


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 1 <= rate <= MAX_RATE:
        raise argparse.ArgumentTypeError(f"{text!r} is not a rate from 1 to {MAX_RATE:g}")
    return rate


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MAX_KEYS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MAX_KEYS}")
    return int(text)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(
        prog="python -m subjects.ratelimiter.load",
        description="Clients of a rate limiter: sets limits for its keys once, then sends checks on a schedule that "
        "does not wait for answers, and judges what it gets.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--node",
        type=address,
        action="append",
        required=True,
        metavar="HOST:PORT",
        dest="nodes",
        help="a node to send to; repeat it for several, which get checks in turn",
    )
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=port, default=8090, help="the port to listen on (default: %(default)s)")
    parser.add_argument("--rate", type=_rate, default=120.0, metavar="N", help="checks/s (default: %(default)g)")
    parser.add_argument("--keys", type=_count, default=200, metavar="N", help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, metavar="N", help="send the same keys at the same times again")
    return parser.parse_args(arguments)


def make_app(generator: Generator) -> Starlette:
    async def stats(_: Request) -> Response:
        return JSONResponse(generator.stats())

    async def limits(request: Request) -> Response:
        wanted = request.query_params.getlist("key") or generator.limits
        return JSONResponse({key: generator.limits[key] for key in wanted if key in generator.limits})

    async def health(_: Request) -> Response:
        return JSONResponse({"process": "up"})

    return Starlette(routes=[Route("/stats", stats), Route("/limits", limits), Route("/healthz", health)])


async def _run(args: argparse.Namespace, listening: socket.socket) -> None:
    keys = make_keys(args.rate, args.keys)
    generator = Generator(
        clients=[Client(*node) for node in args.nodes],
        keys=keys,
        arrivals=arrivals(args.rate, keys, random.Random(args.seed)),
        rate=args.rate,
    )
    async with asyncio.TaskGroup() as group:
        work = group.create_task(generator.run())
        await serve(make_app(generator), listening)
        work.cancel()


def main() -> int:
    args = parse()
    listening = listen(args.host, args.port)
    log_to_stderr()
    asyncio.run(_run(args, listening))
    return 0


if __name__ == "__main__":
    sys.exit(main())
