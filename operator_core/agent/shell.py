"""The one tool that a model gets: a shell in the lab."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anthropic import beta_async_tool

from operator_core.agent.captured import Captured, Stream
from operator_core.agent.gate import Gate
from operator_core.agent.programs import EffectOf
from operator_core.agent.replies import OBSERVE, Reply
from operator_core.agent.terminal import clean
from operator_core.audit import Audit
from operator_core.errors import UserError
from operator_core.events import CommandFinished, CommandOutput, CommandStarted
from operator_core.output import Emit

LIMIT_S = 120.0
SHOWN = 64 * 1024
"""Characters of a command's output that go out as events; a screen needs no more, and the rest is kept."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: `exit_status` None with the reason in `ended_by`, or the status."""

    exit_status: int | None
    ended_by: str = ""


OnOutput = Callable[[Stream, str], None]
Execute = Callable[[str, float, OnOutput], Awaitable[Ended]]
"""`await execute(command, limit_s, on_output)` runs it in the lab. Cancelled, it kills the command at once."""


class Shell:
    """Runs commands for one session, and records each before it starts and right after it ended."""

    def __init__(
        self,
        session: int,
        execute: Execute,
        effect_of: EffectOf,
        gate: Gate,
        audit: Audit,
        emit: Emit,
        outputs: Path,
    ) -> None:
        self._session = session
        self._execute = execute
        self._effect_of = effect_of
        self._gate = gate
        self._audit = audit
        self._emit = emit
        self._outputs = outputs
        self.ran: list[tuple[str, Reply]] = []
        """The commands that were run, and how they ended."""
        self.failure: Exception | None = None
        """What kept a command from being recorded or run. The tool runner tells the model of it and goes on; the
        session must not."""

    @property
    def tool(self) -> Any:
        @beta_async_tool
        async def shell(command: str, reasoning: str) -> str:
            """Run a command with bash in the lab. Gives its exit status, standard output and standard error.

            It is killed after 120 s. Long output is cut in the middle. Nothing is kept between commands: no working
            directory, no variables.

            Args:
                command: The command line.
                reasoning: What the command is for, in one line. A person reads it before the command runs.
            """
            try:
                return await self.run(command, reasoning)
            except Exception as error:
                self.failure = error
                raise

        return shell

    async def run(self, command: str, reasoning: str) -> str:
        effect = self._effect_of(command)
        call = await self._audit.append(
            self._session,
            "tool_call",
            {"tool": "shell", "command": command, "reasoning": reasoning, "effect": effect},
        )
        self._emit(
            CommandStarted(
                session=self._session, entry=call, command=clean(command), reasoning=clean(reasoning), effect=effect
            )
        )
        if self._gate.mode != "execute":
            return (await self._finish(call, command, Reply(None, 0.0, OBSERVE), None)).text()
        captured = Captured(self._outputs / f"{self._session}-{call}.txt")
        began = time.monotonic()
        try:
            ended = await self._execute(command, LIMIT_S, self._listener(call, captured))
        except (ConnectionError, UserError) as error:
            ended = Ended(None, f"the lab ({error})")
        except asyncio.CancelledError:
            reply = Reply(None, time.monotonic() - began, self._gate.halted_by or "agent stopped")
            await self._finish(call, command, reply, captured)
            raise
        reply = Reply(ended.exit_status, time.monotonic() - began, ended.ended_by)
        return (await self._finish(call, command, reply, captured)).text()

    def _listener(self, call: int, captured: Captured) -> OnOutput:
        shown = 0

        def on_output(stream: Stream, text: str) -> None:
            nonlocal shown
            text = captured.add(stream, text)
            if text and shown < SHOWN:
                shown += len(text)
                if shown >= SHOWN:
                    text += "\n[no more of it is shown here]\n"
                self._emit(CommandOutput(session=self._session, entry=call, stream=stream, chunk=text))

        return on_output

    async def _finish(self, call: int, command: str, reply: Reply, captured: Captured | None) -> Reply:
        kept, stdout, stderr = "", "", ""
        if captured is not None:
            kept, stdout, stderr = captured.close(), captured.text("stdout"), captured.text("stderr")
            parts = [stdout, f"[standard error]\n{stderr}" if stderr else ""]
            reply = Reply(
                reply.exit_status, reply.seconds, reply.ended_by, "\n".join(p.rstrip("\n") for p in parts if p), kept
            )
            self.ran.append((command, reply))
        self._emit(
            CommandFinished(
                session=self._session,
                entry=call,
                exit_status=reply.exit_status,
                seconds=reply.seconds,
                ended_by=reply.ended_by,
                kept=kept,
            )
        )
        await self._audit.append(
            self._session,
            "tool_result",
            {
                "call": call,
                "exit_status": reply.exit_status,
                "seconds": round(reply.seconds, 3),
                "stdout": stdout,
                "stderr": stderr,
                "ended_by": reply.ended_by,
                "kept": kept,
            },
        )
        return reply
