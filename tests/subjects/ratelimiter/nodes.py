"""Nodes for tests: in this process, where many are needed quickly, or as processes, where signals matter."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec

from operator_protocols import Address
from subjects.ratelimiter.service.app import make_app
from subjects.ratelimiter.service.limiter import Config
from subjects.ratelimiter.service.node import Node
from tests.stores import HOST, RealStore, free_port
from tests.waiting import until


@dataclass
class Asked:
    """HTTP to one node."""

    http: httpx.AsyncClient

    async def check(self, key: str, cost: int = 1) -> httpx.Response:
        return await self.http.post("/v1/check", json={"key": key, "cost": cost})

    async def limit(self, key: str, limit: int, window_s: float, **more: Any) -> None:
        body = {"limit": limit, "window_s": window_s, **more}
        (await self.http.put(f"/v1/limits/{key}", json=body)).raise_for_status()

    async def get(self, path: str) -> Any:
        response = await self.http.get(path)
        response.raise_for_status()
        return response.json()

    async def config(self, **change: Any) -> None:
        (await self.http.put("/v1/config", json=change)).raise_for_status()

    async def ready(self) -> bool:
        try:
            return (await self.http.get("/readyz")).status_code == 200
        except httpx.TransportError:
            return False


@contextlib.asynccontextmanager
async def node_here(store: RealStore, name: str = "node-1", **config: Any) -> AsyncIterator[Asked]:
    """A node in this process, asked without a socket; its way to the store is the real one."""
    settings = msgspec.convert({"store_timeout_ms": 1000, **config}, Config)
    node = Node(name, "here", (store.address.host, store.address.port), settings)
    work = asyncio.create_task(node.run())
    transport = httpx.ASGITransport(make_app(node))
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://node", timeout=30) as http:
            asked = Asked(http)
            if store.process is not None:
                await until(asked.ready, what=f"{name} to reach its store")
            yield asked
    finally:
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work


@dataclass
class NodeProcess(Asked):
    process: asyncio.subprocess.Process
    address: Address

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)


@contextlib.asynccontextmanager
async def node_process(store: Address, name: str, *flags: str) -> AsyncIterator[NodeProcess]:
    """`python -m subjects.ratelimiter.service`, answering; its standard error is a pipe."""
    address = Address(HOST, free_port())
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "subjects.ratelimiter.service"),
        *("--name", name, "--port", str(address.port), "--store", str(store)),
        *flags,
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://{address}", timeout=30, trust_env=False) as http:
            node = NodeProcess(http, process, address)

            async def answers() -> bool:
                with contextlib.suppress(httpx.TransportError):
                    return (await http.get("/healthz")).status_code == 200
                return False

            await until(answers, what=f"{name} to answer")
            yield node
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
