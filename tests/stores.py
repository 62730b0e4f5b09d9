"""A real Valkey (or Redis) for tests, as a process that can be stopped, killed and started again."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from operator_protocols import Address
from subjects.ratelimiter.store import store_command
from tests.waiting import until

HOST = "127.0.0.1"


def free_port() -> int:
    with socket.create_server((HOST, 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


async def accepts(address: Address) -> bool:
    """Whether something answers PING there."""
    try:
        reader, writer = await asyncio.open_connection(address.host, address.port)
    except OSError:
        return False
    try:
        writer.write(b"PING\r\n")
        return (await reader.readline()).startswith(b"+PONG")
    except OSError:
        return False
    finally:
        writer.close()


@dataclass
class RealStore:
    """`str(store.address)` is HOST:PORT; the port and the data stay the same when it is started again."""

    data_dir: Path
    address: Address = field(default_factory=lambda: Address(HOST, free_port()))
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *store_command(self.address.port, self.data_dir), stdout=asyncio.subprocess.DEVNULL
        )
        await until(lambda: accepts(self.address), what="the store to answer")

    def pause(self) -> None:
        """SIGSTOP: it accepts connections and answers nothing."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._running().send_signal(signal.SIGCONT)

    async def kill(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def _running(self) -> asyncio.subprocess.Process:
        assert self.process is not None, "the store is not running"
        return self.process


@contextlib.asynccontextmanager
async def running_store(data_dir: Path) -> AsyncIterator[RealStore]:
    store = RealStore(data_dir)
    await store.start()
    try:
        yield store
    finally:
        await store.kill()
