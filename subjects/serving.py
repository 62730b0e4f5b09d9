"""What the HTTP services of the subjects share: a port of their own, and an end without delay."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Generator
from typing import Any

import uvicorn

DRAIN_S = 1
KEEP_ALIVE_S = 75
BACKLOG = 1024


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Where there can be none, one sentence on standard error and exit status 2."""
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)  # asyncio turns Nagle's delay off by the protocol
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(where)
    except OSError as error:
        print(f"Cannot listen on {host}:{port} ({error.strerror}); choose another port.", file=sys.stderr)
        raise SystemExit(2) from error
    listening.listen(BACKLOG)
    return listening


def log_to_stderr() -> None:
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO, stream=sys.stderr)


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """SIGTERM and SIGINT end the service cleanly, with exit status 0."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


async def serve(app: Any, listening: socket.socket) -> None:
    """Answer until SIGTERM or SIGINT, then finish what is being answered."""
    config = uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=DRAIN_S,
    )
    await _Server(config).serve(sockets=[listening])
