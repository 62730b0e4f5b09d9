"""A client of the running lab."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from operator_core import control
from operator_core.errors import UserError
from operator_core.lab.wire import ExecEnd, FaultRow, LabFile, ServiceRow
from operator_core.lock import holder
from operator_core.paths import StateDir
from operator_protocols import Endpoints

GONE_LOOK_EVERY_S = 0.05

OnOutput = Callable[[str, str], None]
"""Called with the stream ("stdout" or "stderr") and a piece of text."""


class LabClient:
    """Asks the lab on behalf of `by`. Every method raises `UserError` with a sentence where the lab refuses, cannot,
    or is not there."""

    def __init__(self, file: LabFile, by: str) -> None:
        self.file = file
        self._by = by

    @classmethod
    def open(cls, state: StateDir, by: str = "operator lab") -> LabClient:
        """The lab that is ready in this state folder; `UserError` if there is none."""
        try:
            return cls(msgspec.json.decode(state.lab_file.read_bytes(), type=LabFile), by)
        except FileNotFoundError:
            raise UserError(f"No lab is running in {state.root}; start one with: operator lab up") from None
        except msgspec.DecodeError as error:
            raise UserError(f"{state.lab_file} is damaged ({error}); clear it with: operator reset") from error

    @property
    def endpoints(self) -> Endpoints:
        return self.file.endpoints

    async def request(self, verb: str, on_chunk: Callable[[Any], None] | None = None, **arguments: Any) -> Any:
        """Ask anything that the server knows."""
        try:
            return await control.request(Path(self.file.socket), verb, on_chunk, **{"by": self._by, **arguments})
        except ConnectionError as error:
            raise UserError(f"The lab (pid {self.file.pid}) has gone; start it again with: operator lab up") from error

    async def ps(self) -> list[ServiceRow]:
        return msgspec.convert(await self.request("ps"), list[ServiceRow])

    async def start(self, name: str) -> str:
        """Come back when it is ready; gives what was done, as a sentence, as the others do."""
        return str(await self.request("start", name=name))

    async def stop(self, name: str) -> str:
        return str(await self.request("stop", name=name))

    async def restart(self, name: str) -> str:
        return str(await self.request("restart", name=name))

    async def kill(self, name: str) -> str:
        return str(await self.request("kill", name=name))

    async def pause(self, name: str) -> str:
        return str(await self.request("pause", name=name))

    async def resume(self, name: str) -> str:
        return str(await self.request("resume", name=name))

    async def faults(self) -> list[FaultRow]:
        return msgspec.convert(await self.request("faults"), list[FaultRow])

    async def inject(self, fault: str) -> str:
        """Gives what happens, as a sentence."""
        return str(await self.request("inject", fault=fault))

    async def heal(self) -> list[str]:
        """Gives what was undone, as "kill-node on node-2" each."""
        return msgspec.convert(await self.request("heal"), list[str])

    async def exec(self, command: str, on_output: OnOutput, *, cwd: str = "", limit_s: float = 120.0) -> ExecEnd:
        """Run a command in the lab's shell. Cancelled, it hangs up, and the command's process group is killed."""

        def on_chunk(chunk: Any) -> None:
            on_output(chunk["stream"], chunk["data"])

        end = await self.request("exec", on_chunk, command=command, cwd=cwd, limit_s=limit_s)
        return msgspec.convert(end, ExecEnd)

    async def down(self, state: StateDir) -> None:
        """End the lab; come back when nothing of it is left."""
        with contextlib.suppress(ConnectionError):  # it may end before it has answered
            await control.request(Path(self.file.socket), "down", by=self._by)
        while holder(state.lab_lock) is not None:  # noqa: ASYNC110 (another process has no event for us)
            await asyncio.sleep(GONE_LOOK_EVERY_S)
