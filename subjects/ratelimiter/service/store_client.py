"""The way to the store: one connection, kept up, on which concurrent commands go out together.

Replies come in the order of the commands, so a caller that has given up only leaves its reply unread: a hung store
costs each caller its own time-out, nothing piles up behind a pool, and the connection stays in step.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import hiredis

CONNECT_WITHIN_S = 1.0
RETRY_AFTER_S = 0.1
SILENCE_S = 1.0
"""A connection on which commands wait and nothing was heard for so long is given up."""
MAX_WAITING = 4096

logger = logging.getLogger(__name__)

Argument = str | int | bytes


class StoreError(Exception):
    """The store did not do what was asked. The text goes on after "the store ".

    connection: it cannot be reached, or hung up. timeout: no answer in time, and whether it did it is unknown.
    busy: too many commands wait already. reply: it answered with an error.
    """

    def __init__(self, kind: Literal["connection", "timeout", "busy", "reply"], text: str) -> None:
        super().__init__(text)
        self.kind = kind


@contextlib.asynccontextmanager
async def answered_within(seconds: float) -> AsyncIterator[None]:
    """Bound everything that is asked of the store in the block."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise StoreError("timeout", f"gave no answer within {seconds * 1000:.0f} ms") from None


@dataclass(frozen=True, slots=True)
class Script:
    source: str
    sha: str


class Clock:
    """The store's clock as this process knows it, in µs. It may be behind by as long as a reply takes, never ahead."""

    def __init__(self) -> None:
        self._offset: int | None = None

    def saw(self, now: int) -> None:
        self._offset = now - time.monotonic_ns() // 1000

    @property
    def known(self) -> bool:
        return self._offset is not None

    def now(self) -> int:
        assert self._offset is not None, "a connection tells the time before anything else"
        return self._offset + time.monotonic_ns() // 1000


class StoreClient:
    """`run` keeps the connection; `call` and `script` use it, and belong inside `answered_within`."""

    def __init__(self, host: str, port: int, client_name: str) -> None:
        self.clock = Clock()
        self._host, self._port = host, port
        self._client_name = client_name
        self._connection: asyncio.Future[_Connection] | None = None

    async def run(self) -> None:
        """Connect, and connect again whenever the connection is lost, until cancelled."""
        loop = asyncio.get_running_loop()
        lost_at: float | None = loop.time()
        while True:
            self._connection = loop.create_future()
            try:
                async with asyncio.timeout(CONNECT_WITHIN_S):
                    connection = await self._connect()
            except (OSError, StoreError) as error:  # a time-out is an OSError
                if lost_at is None:
                    lost_at = loop.time()
                why = str(error) or f"gave no answer within {CONNECT_WITHIN_S:g} s"
                self._connection.set_exception(StoreError("connection", f"cannot be reached: {why}"))
                self._connection.exception()  # nobody may be waiting for it
                await asyncio.sleep(RETRY_AFTER_S)
                continue
            logger.info("store %s:%d connected after %.1f s", self._host, self._port, loop.time() - (lost_at or 0.0))
            self._connection.set_result(connection)
            try:
                why = await connection.lost()
            finally:
                connection.close()
            lost_at = loop.time()
            logger.warning("store %s:%d lost: %s", self._host, self._port, why)

    async def connected(self) -> None:
        """Wait for a connection that is being made. `StoreError` at once where the store refuses."""
        await self._current()

    async def call(self, *command: Argument) -> Any:
        """Send one command and give its reply. After a time-out its outcome is unknown."""
        return await (await self._current()).send(command)

    async def script(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """Run a script; send its text where the store does not have it (yet, or any more)."""
        try:
            return await self.call("EVALSHA", script.sha, len(keys), *keys, *arguments)
        except StoreError as error:
            if error.kind != "reply" or not str(error).startswith("answered NOSCRIPT"):
                raise
        return await self.call("EVAL", script.source, len(keys), *keys, *arguments)

    async def _current(self) -> _Connection:
        if self._connection is None:
            raise StoreError("connection", "is not connected yet")
        if self._connection.done():
            return self._connection.result()
        return await asyncio.shield(self._connection)

    async def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(_Connection, self._host, self._port)
        try:
            _, (seconds, microseconds) = await asyncio.gather(
                connection.send(("CLIENT", "SETNAME", self._client_name)), connection.send(("TIME",))
            )
        except BaseException:
            connection.close()
            raise
        self.clock.saw(int(seconds) * 1_000_000 + int(microseconds))
        return connection


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader()
        self._waiting: deque[tuple[asyncio.Future[Any], float]] = deque()
        self._unsent: list[bytes] = []
        self._heard_at = self._loop.time()
        self._lost: asyncio.Future[str] = self._loop.create_future()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def send(self, command: tuple[Argument, ...]) -> asyncio.Future[Any]:
        """The reply to come. Commands of one turn of the loop go out in one write."""
        if self._lost.done():
            raise StoreError("connection", self._lost.result())
        if len(self._waiting) >= MAX_WAITING:
            raise StoreError("busy", f"has {MAX_WAITING} commands to answer already")
        reply = self._loop.create_future()
        self._waiting.append((reply, self._loop.time()))
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(hiredis.pack_command(command))  # type: ignore[arg-type]  # its stub: one word
        return reply

    def _flush(self) -> None:
        data = b"".join(self._unsent)
        self._unsent.clear()
        if not self._lost.done():
            self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        self._heard_at = self._loop.time()
        self._reader.feed(data)
        try:
            while (answer := self._reader.gets()) is not False:
                reply, _ = self._waiting.popleft()
                if reply.done():  # its caller has given up
                    continue
                if isinstance(answer, hiredis.ReplyError):
                    reply.set_exception(StoreError("reply", f"answered {answer}"))
                else:
                    reply.set_result(answer)
        except (hiredis.ProtocolError, IndexError):
            self._give_up("sent what is not a reply")

    def connection_lost(self, exc: Exception | None) -> None:
        self._give_up(f"hung up ({exc})" if exc else "hung up")

    async def lost(self) -> str:
        """Watch until the connection is lost or silent for too long; says why."""
        while not self._lost.done():
            await asyncio.wait((self._lost,), timeout=SILENCE_S / 4)
            if self._waiting and self._loop.time() - max(self._heard_at, self._waiting[0][1]) > SILENCE_S:
                self._give_up(f"was silent for {SILENCE_S:g} s")
        return self._lost.result()

    def close(self) -> None:
        self._give_up("connection was closed")

    def _give_up(self, why: str) -> None:
        if self._lost.done():
            return
        self._lost.set_result(why)
        self._transport.abort()
        for reply, _ in self._waiting:
            if not reply.done():
                reply.set_exception(StoreError("connection", why))
                reply.exception()  # its caller may be gone
        self._waiting.clear()
