"""The command line of the proxy."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import socket
import sys
from collections.abc import Sequence

from operator_protocols import Address
from subjects.arguments import Parser, address
from subjects.links.admin import admin
from subjects.links.proxy import Link
from subjects.serving import listen, serve

EXAMPLES = """\
examples:
  python -m subjects.links --admin 127.0.0.1:9000 --link node-1 127.0.0.1:9001 127.0.0.1:6379
  curl http://127.0.0.1:9000/links
  curl -X PUT -d '{"state": "cut"}' http://127.0.0.1:9000/links/node-1
  curl -X PUT -d '{"state": "open", "latency_ms": 200}' http://127.0.0.1:9000/links/node-1
"""


def main(argv: Sequence[str] | None = None) -> int:
    parser = Parser(
        prog="python -m subjects.links",
        description="A TCP proxy whose links can be cut (a black hole) and slowed down over HTTP.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--admin", required=True, type=address, metavar="HOST:PORT", help="where the HTTP interface listens"
    )
    parser.add_argument(
        "--link",
        required=True,
        action="append",
        nargs=3,
        metavar=("NAME", "LISTEN", "UPSTREAM"),
        help="a link from the address LISTEN to the address UPSTREAM; can be given several times",
    )
    arguments = parser.parse_args(argv)
    try:
        links = [Link(name, _fixed(listen), _fixed(upstream)) for name, listen, upstream in arguments.link]
    except argparse.ArgumentTypeError as error:
        parser.error(str(error))
    if len({link.name for link in links}) < len(links):
        parser.error("each link needs a name of its own")
    try:
        asyncio.run(_run(listen(*arguments.admin), links))
    except OSError as error:
        print(f"Cannot listen: {error}.", file=sys.stderr)
        return 2
    return 0


async def _run(admin_at: socket.socket, links: Sequence[Link]) -> None:
    """Until SIGTERM or SIGINT. `OSError` if the port of a link is taken."""
    async with contextlib.AsyncExitStack() as stack:
        for link in links:
            await stack.enter_async_context(link.listening())
        await serve(admin({link.name: link for link in links}), admin_at)


def _fixed(text: str) -> Address:
    """An address whose port others can know beforehand."""
    host, number = address(text)
    if number == 0:
        raise argparse.ArgumentTypeError(f"{text!r} has no port of its own")
    return Address(host, number)


if __name__ == "__main__":
    sys.exit(main())
