"""HTTP to one node: as much of it as a check needs, on connections that are kept.

A general client costs ten times the processor time, and a load generator shares the machine with what it measures.
"""

from __future__ import annotations

import asyncio
from collections import deque

MAX_IDLE = 32

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Client:
    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._idle: deque[Stream] = deque()

    async def request(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        """The status and the body. `OSError` or `EOFError` where there is no whole answer.

        Nothing is sent twice: a check whose answer was lost may have counted.
        """
        reader, writer = await self._stream()
        try:
            head = f"{method} {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            status, length, keep = _parse(await reader.readuntil(b"\r\n\r\n"))
            answer = await reader.readexactly(length)
        except BaseException:  # a time-out too: what comes on this connection now belongs to nobody
            writer.transport.abort()
            raise
        if keep and len(self._idle) < MAX_IDLE:
            self._idle.append((reader, writer))
        else:
            writer.close()
        return status, answer

    def close(self) -> None:
        while self._idle:
            self._idle.pop()[1].close()

    async def _stream(self) -> Stream:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()
        return await asyncio.open_connection(self._host, self._port)


def _parse(head: bytes) -> tuple[int, int, bool]:
    """Status, length of the body, and whether the connection stays."""
    first, *lines = head.decode("latin-1").split("\r\n")
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return int(first.split()[1]), int(fields.get("content-length", 0)), fields.get("connection", "").lower() != "close"
