"""The command line of the proxy."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import socket
import sys
from collections.abc import Sequence

import uvicorn

from operator_protocols import Address
from subjects.links.admin import admin
from subjects.links.proxy import Link

EXAMPLES = """\
examples:
  python -m subjects.links --admin 127.0.0.1:9000 --link node-1 127.0.0.1:9001 127.0.0.1:6379
  curl http://127.0.0.1:9000/links
  curl -X PUT -d '{"state": "cut"}' http://127.0.0.1:9000/links/node-1
  curl -X PUT -d '{"state": "open", "latency_ms": 200}' http://127.0.0.1:9000/links/node-1
"""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m subjects.links",
        description="A TCP proxy whose links can be cut (a black hole) and slowed down over HTTP.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--admin", required=True, metavar="HOST:PORT", help="where the HTTP interface listens")
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
        admin_at = _address(arguments.admin)
        links = [Link(name, _address(listen), _address(up)) for name, listen, up in arguments.link]
        if len({link.name for link in links}) < len(links):
            raise ValueError("Each link needs a name of its own.")
        asyncio.run(serve(admin_at, links))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"Cannot listen: {error}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        pass
    return 0


async def serve(admin_at: Address, links: Sequence[Link]) -> None:
    """Run until SIGTERM or SIGINT. `OSError` if a port is taken."""
    async with contextlib.AsyncExitStack() as stack:
        for link in links:
            await stack.enter_async_context(link.listening())
        listener = stack.enter_context(socket.create_server((admin_at.host, admin_at.port)))
        app = admin({link.name: link for link in links})
        server = uvicorn.Server(
            uvicorn.Config(app, access_log=False, log_level="warning", lifespan="off", timeout_graceful_shutdown=1)
        )
        await server.serve(sockets=[listener])


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"{text!r} is not an address; write HOST:PORT.")
    return Address(host, int(port))


if __name__ == "__main__":
    sys.exit(main())
