"""A run of the demo in processes of its own, and what it has recorded and left behind."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import psutil

from operator_core.events import AnyEvent, decode


class Show:
    """One headless run."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lines: list[str] = []
        self.process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None

    async def start(self, *options: str) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "operator_demo", "ratelimiter", "--headless", "--agent", "scripted", *options),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "OPERATOR_STATE_DIR": str(self.root)},
        )
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process is not None and self.process.stdout is not None
        async for line in self.process.stdout:
            self.lines.append(line.decode())

    async def status(self, within_s: float = 150) -> int:
        assert self.process is not None and self._reader is not None
        async with asyncio.timeout(within_s):
            await self._reader
            return await self.process.wait()

    @property
    def summary(self) -> dict[str, Any]:
        lines = [line for line in self.lines if line.startswith("summary: ")]
        assert lines, "".join(self.lines[-40:])
        found: dict[str, Any] = json.loads(lines[-1].removeprefix("summary: "))
        return found

    def events(self) -> list[AnyEvent]:
        """What the run has recorded so far."""
        files = sorted((self.root / "ratelimiter" / "logs").glob("events-*.jsonl"))
        lines = files[-1].read_bytes().split(b"\n")[:-1] if files else []
        return [decode(line) for line in lines]

    def seen(self, kind: type[AnyEvent]) -> bool:
        return any(isinstance(event, kind) for event in self.events())

    def left_behind(self) -> list[str]:
        found = []
        for process in psutil.process_iter():
            try:
                traces = [*process.cmdline(), process.cwd(), process.environ().get("OPERATOR_STATE_DIR", "")]
                if any(str(self.root) in trace for trace in traces) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(f"{process.pid} {process.cmdline()}")
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return found + [str(file) for file in (self.root / "ratelimiter" / "lab" / "faults").glob("*")]
