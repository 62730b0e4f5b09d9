"""Links: a port each, forwarded to an upstream, that can be cut or slowed down while connections are open."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Literal

from operator_protocols import Address

CHUNK = 64 * 1024
HELD_CHUNKS = 256  # so much of an answer a slow link holds before it stops reading
CONNECT_S = 2.0  # an upstream that hangs stops accepting once its backlog is full

State = Literal["open", "cut"]


class Link:
    """One way from clients to an upstream.

    `latency_ms` is added to each round trip: answers are held back by so much. A cut link is a black hole: the
    connections that are there and those that come stay open, and what they send vanishes. Once it is opened again
    they are aborted, since a peer that missed some bytes would misread all that follow.
    """

    def __init__(self, name: str, listen: Address, upstream: Address) -> None:
        self.name = name
        self.listen = listen
        self.upstream = upstream
        self.latency_ms = 0.0
        self._state: State = "open"
        self._clients: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    @property
    def connections(self) -> int:
        return len(self._clients)

    @property
    def state(self) -> State:
        return self._state

    @state.setter
    def state(self, state: State) -> None:
        if self._state == "cut" and state == "open":
            for client in self._clients.values():
                client.transport.abort()
        self._state = state

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Accept while the block runs. `OSError` if the port is taken."""
        server = await asyncio.start_server(self._accept, self.listen.host, self.listen.port)
        try:
            yield
        finally:
            server.close()
            tasks = list(self._clients)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, client_reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients[task] = client
        upstream: asyncio.StreamWriter | None = None
        try:
            if self.state == "cut":
                await _swallow(client_reader)
                return
            async with asyncio.timeout(CONNECT_S):
                upstream_reader, upstream = await asyncio.open_connection(self.upstream.host, self.upstream.port)
            await self._forward(client_reader, client, upstream_reader, upstream)
        except (OSError, asyncio.CancelledError):
            pass  # a side is gone or was never there, or this process ends: the other side learns it by the abort
        finally:
            del self._clients[task]
            for writer in (client, upstream):
                if writer is not None:
                    writer.transport.abort()

    async def _forward(
        self,
        client_reader: asyncio.StreamReader,
        client: asyncio.StreamWriter,
        upstream_reader: asyncio.StreamReader,
        upstream: asyncio.StreamWriter,
    ) -> None:
        """Until either side ends; while the link is cut, until the client does."""
        held: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(HELD_CHUNKS)
        requests = asyncio.ensure_future(self._carry_requests(client_reader, upstream))
        reading = asyncio.ensure_future(self._hold_answers(upstream_reader, held))
        answers = asyncio.ensure_future(self._release_answers(held, client))
        try:
            await asyncio.wait({requests, answers}, return_when=asyncio.FIRST_COMPLETED)
            if self.state == "cut":
                await requests
        finally:
            for task in (requests, reading, answers):
                task.cancel()
            await asyncio.gather(requests, reading, answers, return_exceptions=True)

    async def _carry_requests(self, client: asyncio.StreamReader, upstream: asyncio.StreamWriter) -> None:
        while data := await client.read(CHUNK):
            await self._pass_on(data, upstream)

    async def _hold_answers(self, upstream: asyncio.StreamReader, held: asyncio.Queue[tuple[float, bytes]]) -> None:
        now = asyncio.get_running_loop().time
        try:
            while data := await upstream.read(CHUNK):
                await held.put((now() + self.latency_ms / 1000, data))
        finally:
            await held.put((now(), b""))  # the end

    async def _release_answers(self, held: asyncio.Queue[tuple[float, bytes]], client: asyncio.StreamWriter) -> None:
        now = asyncio.get_running_loop().time
        while True:
            due, data = await held.get()
            if (wait := due - now()) > 0:
                await asyncio.sleep(wait)
            if not data:
                return
            await self._pass_on(data, client)

    async def _pass_on(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        if self.state == "open":
            writer.write(data)
            await writer.drain()


async def _swallow(reader: asyncio.StreamReader) -> None:
    while await reader.read(CHUNK):
        pass
