"""Commands in the lab's shell: a process group each, their output streamed, and nothing of them left at their end."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import time
from collections.abc import Mapping
from pathlib import Path

from operator_core.control import SendChunk
from operator_core.lab import records
from operator_core.lab.spawn import spawn
from operator_core.lab.wire import ExecEnd

PIECE = 16 * 1024
REST_WITHIN_S = 0.5
"""How long output is still read when the command has ended: a process that left its group may hold the pipe."""


async def execute(
    command: str, *, cwd: Path, env: Mapping[str, str], limit_s: float, processes: Path, run: str, send: SendChunk
) -> ExecEnd:
    """Run `bash -c command`, and send its output in pieces, {"stream": "stdout" | "stderr", "data": text}.

    A reader that is slow slows the command down: nothing piles up here. At the end of the command, at its time limit,
    and on cancellation, what is left of its process group is killed: a background process must not outlive the command
    that started it.
    """
    began = time.monotonic()
    (stdout, stdout_end), (stderr, stderr_end) = os.pipe(), os.pipe()
    try:
        shell = await spawn(["bash", "-c", command], env=env, cwd=cwd, stdout=stdout_end, stderr=stderr_end)
    except BaseException:
        os.close(stdout)
        os.close(stderr)
        raise
    finally:
        os.close(stdout_end)
        os.close(stderr_end)
    record = records.record(processes, f"exec-{shell.pid}", shell.pid, ["bash", "-c", command], run)
    relays = [_Relay(stdout, "stdout", send), _Relay(stderr, "stderr", send)]
    outputs = {asyncio.create_task(relay.run()) for relay in relays}
    ended_by = ""
    try:
        try:
            async with asyncio.timeout(limit_s):
                await shell.wait()
        except TimeoutError:
            ended_by = "time limit"
        records.kill_group(shell.pid)
        status = await shell.wait()
        while (await asyncio.wait(outputs, timeout=REST_WITHIN_S))[1]:
            if ended_by or not any(relay.moves() for relay in relays):
                break
        return ExecEnd(None if ended_by else _as_a_shell_says(status), time.monotonic() - began, ended_by)
    finally:
        records.kill_group(shell.pid)
        for output in outputs:
            output.cancel()
        await asyncio.gather(*outputs, return_exceptions=True)
        if record is not None:
            record.unlink(missing_ok=True)


class _Relay:
    """Reads one of the command's pipes to its end and sends what comes."""

    def __init__(self, descriptor: int, stream: str, send: SendChunk) -> None:
        self._descriptor = descriptor
        self._stream = stream
        self._send_chunk = send
        self._sending = False
        self._pieces = 0
        self._pieces_seen = 0

    async def run(self) -> None:
        reader = asyncio.StreamReader(limit=PIECE)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(self._descriptor, "rb", 0)
        )
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        with contextlib.closing(transport):
            while piece := await reader.read(PIECE):
                await self._send(decoder.decode(piece))
            await self._send(decoder.decode(b"", final=True))

    def moves(self) -> bool:
        """Whether something was read since the last call, or is still on its way to a slow reader."""
        moved = self._sending or self._pieces != self._pieces_seen
        self._pieces_seen = self._pieces
        return moved

    async def _send(self, text: str) -> None:
        self._pieces += 1
        if text:
            self._sending = True
            await self._send_chunk({"stream": self._stream, "data": text})
            self._sending = False


def _as_a_shell_says(returncode: int) -> int:
    return returncode if returncode >= 0 else 128 - returncode
