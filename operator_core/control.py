"""How one of our processes is told something by another: a unix socket, one JSON object a line.

A client sends one request a connection. The server answers with any number of `{"chunk": ...}` lines and then exactly
one `{"done": ...}` or `{"error": "sentence"}`. A client that hangs up cancels the request, so what runs on its behalf
ends with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from operator_core.errors import UserError

LINE_LIMIT = 16 * 1024 * 1024

SendChunk = Callable[[Any], Awaitable[None]]
Handler = Callable[[str, dict[str, Any], SendChunk], Awaitable[Any]]
"""`await handler(verb, arguments, send_chunk)` gives the answer. `UserError` becomes the error line."""


@contextlib.asynccontextmanager
async def serve(path: Path, handler: Handler) -> AsyncIterator[None]:
    """Answer on `path` (made with mode 0600, replaced if an earlier process left it) while the block runs."""
    path.unlink(missing_ok=True)
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await _answer(reader, writer, handler)
        except (ConnectionError, asyncio.CancelledError):
            pass  # the client is gone, or the server is closing
        finally:
            tasks.discard(task)
            writer.close()

    mask = os.umask(0o177)
    try:
        server = await asyncio.start_unix_server(accept, path, limit=LINE_LIMIT)
    finally:
        os.umask(mask)
    try:
        yield
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        path.unlink(missing_ok=True)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler) -> None:
    async def send(message: dict[str, Any]) -> None:
        writer.write(msgspec.json.encode(message) + b"\n")
        await writer.drain()

    line = await reader.readline()
    try:
        request = msgspec.json.decode(line, type=dict[str, Any])
        verb, arguments = str(request["verb"]), dict(request.get("args", {}))
    except (msgspec.DecodeError, KeyError, TypeError, ValueError):
        await send({"error": "That is not a request."})
        return
    work = asyncio.ensure_future(handler(verb, arguments, lambda chunk: send({"chunk": chunk})))
    hang_up = asyncio.ensure_future(reader.read())
    try:
        await asyncio.wait({work, hang_up}, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            try:
                answer = {"done": work.result()}
            except UserError as error:
                answer = {"error": str(error)}
            await send(answer)
    finally:
        hang_up.cancel()
        work.cancel()
        await asyncio.gather(work, hang_up, return_exceptions=True)


async def request(path: Path, verb: str, on_chunk: Callable[[Any], None] | None = None, **arguments: Any) -> Any:
    """Ask once and give the answer. `UserError` with the server's sentence; `ConnectionError` where nobody listens."""
    try:
        reader, writer = await asyncio.open_unix_connection(path, limit=LINE_LIMIT)
    except FileNotFoundError as error:
        raise ConnectionRefusedError(f"nobody listens on {path}") from error
    try:
        writer.write(msgspec.json.encode({"verb": verb, "args": arguments}) + b"\n")
        await writer.drain()
        while line := await reader.readline():
            message = msgspec.json.decode(line, type=dict[str, Any])
            if "chunk" in message:
                if on_chunk:
                    on_chunk(message["chunk"])
            elif "error" in message:
                raise UserError(message["error"])
            else:
                return message["done"]
        raise ConnectionResetError(f"{path} hung up before it answered")
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
