"""Whether a service can be used yet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from operator_protocols import Address, Ready

LOOK_EVERY_S = 0.05
ANSWER_WITHIN_S = 2.0


async def until_ready(ready: Ready, address: Address, not_yet: Callable[[str], None]) -> None:
    """Come back when the service is ready. Told to `not_yet`, meanwhile: why it is not."""
    while True:
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                await _look(ready, address)
            return
        except TimeoutError:
            not_yet(f"{address} does not answer")
        except OSError as error:
            not_yet(f"{address}: {error.strerror or error}")
        except _NotYet as error:
            not_yet(f"{address} {error}")
        await asyncio.sleep(LOOK_EVERY_S)


class _NotYet(Exception):
    pass


async def _look(ready: Ready, address: Address) -> None:
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        if ready.http_path is not None:
            request = f"GET {ready.http_path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
            writer.write(request.encode())
            status = await reader.readline()
            if status.split()[1:2] < [b"200"] or status.split()[1:2] >= [b"300"]:
                raise _NotYet(f"answers GET {ready.http_path} with {status.decode(errors='replace').strip()!r}")
        elif ready.expect:
            writer.write(ready.send)
            answer = b""
            while len(answer) < len(ready.expect) and (piece := await reader.read(1024)):
                answer += piece
            if not answer.startswith(ready.expect):
                raise _NotYet(f"answers {answer[:60]!r}")
    finally:
        writer.close()
