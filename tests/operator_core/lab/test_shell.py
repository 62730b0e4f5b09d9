"""Commands in the lab's shell."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import psutil
import pytest

from operator_core.errors import UserError
from operator_core.lab.wire import ExecEnd
from tests.operator_core.lab.conftest import Labs, RunningLab
from tests.waiting import until


class Output:
    def __init__(self) -> None:
        self.stdout = ""
        self.stderr = ""

    def __call__(self, stream: str, text: str) -> None:
        setattr(self, stream, getattr(self, stream) + text)


async def run(lab: RunningLab, command: str, limit_s: float = 60) -> tuple[ExecEnd, Output]:
    output = Output()
    return await lab.client.exec(command, output, limit_s=limit_s), output


async def test_output_status_and_surroundings(lab: RunningLab) -> None:
    end, output = await run(lab, "echo out; echo err >&2; printf 'Gr\\xc3\\xb6\\xc3'; exit 3")
    assert (end.exit_status, end.ended_by) == (3, "")
    assert (output.stdout, output.stderr) == ("out\nGrö\ufffd", "err\n")
    end, _ = await run(lab, "kill -9 $$")
    assert end.exit_status == 137
    end, output = await run(lab, "env; pwd; command -v python; lab ps")
    assert "ANTHROPIC_API_KEY" not in output.stdout
    assert f"OPERATOR_STATE_DIR={lab.state.root.parent}\n" in output.stdout
    assert f"\n{lab.state.lab / 'work'}\n{Path(sys.executable).parent / 'python'}\n" in output.stdout
    assert "kettle-1  kettle  up" in output.stdout
    with pytest.raises(UserError, match="no folder"):
        await lab.client.exec("true", Output(), cwd="/nowhere")


async def test_the_agent_neither_breaks_nor_heals(lab: RunningLab) -> None:
    for verb in ("faults", "heal", "down"):
        with pytest.raises(UserError, match="is for people"):
            await lab.client.request(verb, by="agent")
    output = Output()
    end = await lab.client.request("exec", lambda chunk: output(**_named(chunk)), command="lab inject kill", by="agent")
    assert end["exit_status"] == 2
    assert "is for people" in output.stderr
    assert [row.state for row in await lab.client.ps()] == ["up"] * 3


async def test_the_time_limit_ends_the_whole_group(lab: RunningLab) -> None:
    end, output = await run(lab, "sleep 600 & echo $!; echo $$; trap '' TERM; sleep 600", limit_s=0.5)
    assert (end.exit_status, end.ended_by) == (None, "time limit")
    pids = [int(pid) for pid in output.stdout.split()]
    await until(lambda: not any(map(_lives, pids)), what="the end of the process group")


async def test_what_a_command_leaves_behind_ends_with_it(lab: RunningLab) -> None:
    end, output = await run(lab, "sleep 600 & echo $!")
    assert end.exit_status == 0
    pid = int(output.stdout)
    await until(lambda: not _lives(pid), what="the end of the background process")


async def test_who_leaves_the_group_does_not_hold_the_command_but_ends_with_the_lab(labs: Labs) -> None:
    lab = await labs.start()
    end, _ = await run(lab, "setsid sleep 600 & echo $!; sleep 0.2")
    assert end.exit_status == 0
    assert any("sleep 600" in line for line in labs.left())
    await lab.end()
    await until(lambda: not labs.left(), what="the end of every process")


async def test_a_hang_up_kills_the_command(lab: RunningLab) -> None:
    output = Output()
    asking = asyncio.create_task(lab.client.exec("echo $$; sleep 600 & echo $!; wait", output))
    await until(lambda: output.stdout.count("\n") == 2, what="the pids")
    asking.cancel()
    pids = [int(pid) for pid in output.stdout.split()]
    await until(lambda: not any(map(_lives, pids)), what="the end of the process group")
    await until(lambda: not list(lab.state.processes.glob("exec-*")), what="the end of its record")


async def test_a_flood_does_not_pile_up_in_the_lab(lab: RunningLab) -> None:
    """A client that does not read: the command is held up, and the lab stays small and answers others."""
    server = psutil.Process(lab.process.pid)
    before = server.memory_info().rss
    _, writer = await asyncio.open_unix_connection(lab.client.file.socket)
    writer.write(b'{"verb": "exec", "args": {"command": "yes | tee progress"}}\n')
    progress = lab.state.lab / "work" / "progress"
    await until(lambda: progress.exists() and progress.stat().st_size > 0, what="output")
    sizes = [-1, -2]

    async def held_up() -> bool:
        sizes.append(progress.stat().st_size)
        await asyncio.sleep(0.1)
        return sizes[-1] == sizes[-2] == sizes[-3]

    await until(held_up, what="the flood to be held up")
    assert len(await lab.client.ps()) == 3
    assert server.memory_info().rss - before < 16 * 1024 * 1024
    writer.close()
    await until(lambda: not list(lab.state.processes.glob("exec-*")), what="the end of the command")


async def test_a_flood_that_is_read_comes_through_whole(lab: RunningLab) -> None:
    size = 0

    def count(stream: str, text: str) -> None:
        nonlocal size
        size += len(text)

    end = await lab.client.exec("head -c 20000000 /dev/zero | tr '\\0' x", count)
    assert end.exit_status == 0
    assert size == 20_000_000


def _named(chunk: dict[str, str]) -> dict[str, str]:
    return {"stream": chunk["stream"], "text": chunk["data"]}


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
