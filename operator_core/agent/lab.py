"""The agent's way into the lab: commands in its shell, and where its services are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from operator_core import control
from operator_core.agent.shell import Ended, OnOutput
from operator_core.errors import UserError
from operator_core.lab.wire import LabFile
from operator_core.tickets import AGENT
from operator_protocols import Subject


class Lab:
    """The lab that `file` (StateDir.lab_file) tells of, as it is at each call: another may have taken its place."""

    def __init__(self, subject: Subject, file: Path) -> None:
        self._subject = subject
        self._file = file

    async def execute(self, command: str, limit_s: float, on_output: OnOutput) -> Ended:
        """Run it in the lab's shell. Cancelled, it hangs up, on which the lab kills the command's process group.
        `ConnectionError` if there is no lab, or it goes away; `UserError` if it refuses."""

        def on_chunk(chunk: Any) -> None:
            on_output(chunk["stream"], chunk["data"])

        end = await control.request(
            Path(self._read().socket), "exec", on_chunk, by=AGENT, command=command, limit_s=limit_s
        )
        return Ended(end["exit_status"], end["ended_by"])

    async def briefing(self) -> str:
        """What an operator has to know about the running lab, Markdown; or that there is none."""
        try:
            lab = self._read()
        except ConnectionError as error:
            return f"The lab does not answer: {error}."
        return f"{self._subject.briefing(lab.endpoints)}\nIsolation: {lab.sandbox}."

    def _read(self) -> LabFile:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=LabFile)
        except FileNotFoundError as error:
            raise ConnectionRefusedError("no lab is running here") from error
        except (OSError, msgspec.DecodeError) as error:
            raise UserError(f"{self._file} cannot be read: {error}.") from error
