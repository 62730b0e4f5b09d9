"""However a lab ends, nothing of it stays."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import msgspec
import psutil
import pytest

from operator_core.events import LabStarting, LabStopped, ServiceChanged
from operator_core.lab.records import ProcessRecord, reap
from operator_core.processes import Identity, identify
from tests.operator_core.lab.conftest import Labs
from tests.waiting import until


async def test_ends_with_its_parent(labs: Labs) -> None:
    lab = await labs.start("--die-with-parent")
    assert lab.process.stdin
    lab.process.stdin.close()
    assert await lab.ended() == 0
    assert lab.said(LabStopped)[0].reason == "its parent ended"
    assert labs.left() == []
    assert list(labs.state.daemons.iterdir()) == []


async def test_ends_when_nobody_reads_what_it_says(labs: Labs) -> None:
    lab = await labs.start()
    kettle = await lab.pid("kettle-1")
    transport = lab.process._transport.get_pipe_transport(1)  # type: ignore[attr-defined]
    transport.close()
    os.kill(kettle, signal.SIGKILL)  # it has to say something
    await asyncio.wait_for(lab.process.wait(), 30)
    assert labs.left() == []
    assert not labs.state.lab_file.exists()


STAGES = {
    "at once": lambda lab: True,
    "at its first word": lambda lab: lab.said(LabStarting),
    "as the first service starts": lambda lab: lab.said(ServiceChanged),
    "as the last services start": lambda lab: lab.states("kettle-1") + lab.states("kettle-2"),
}


@pytest.mark.parametrize("stage", STAGES)
async def test_ctrl_c_during_the_start(labs: Labs, stage: str) -> None:
    lab = await labs.begin("--option", "slow=kettle-2")
    await until(lambda: STAGES[stage](lab), what=stage)
    await lab.end(signal.SIGINT)
    assert "Traceback" not in lab.errors
    assert labs.left() == []
    assert list(labs.state.processes.iterdir()) == []
    assert not labs.state.lab_file.exists()


async def test_hung_services_do_not_hold_the_end(labs: Labs) -> None:
    lab = await labs.start("--option", "stubborn=kettle-1")
    for name in ("kettle-1", "kettle-2", "stove"):
        await lab.client.pause(name)
    assert await lab.end() == 0
    assert labs.left() == []


async def test_sigkill_leaves_nothing_and_the_next_start_clears_up(labs: Labs) -> None:
    lab = await labs.start()
    socket_folder = Path(lab.client.file.socket).parent
    asking = asyncio.create_task(lab.client.exec("(setsid sleep 600) & sleep 600", lambda stream, text: None))
    await until(lambda: sum("sleep 600" in line for line in labs.left()) >= 2, what="the command")
    lab.process.send_signal(signal.SIGKILL)
    await lab.ended()
    await asyncio.gather(asking, return_exceptions=True)
    if sys.platform == "linux":
        await until(lambda: not any("toy.py" in line for line in labs.left()), what="the services to be gone")
    again = await labs.start()
    assert not any("sleep 600" in line for line in labs.left())
    assert not socket_folder.exists()
    assert sorted(path.stem for path in labs.state.processes.iterdir()) == ["kettle-1", "kettle-2", "stove"]
    assert await again.end() == 0
    assert labs.left() == []


async def test_a_pid_that_is_another_process_by_now_is_left_alone(tmp_path: Path) -> None:
    mine = await asyncio.create_subprocess_exec("sleep", "600", start_new_session=True)
    strangers = await asyncio.create_subprocess_exec("sleep", "600", start_new_session=True)
    for name, process, off in (("mine", mine, 0.0), ("strangers", strangers, -100.0)):
        found = identify(process.pid)
        assert found
        left = ProcessRecord(name, Identity(found.pid, found.started + off), ["sleep", "600"], f"run of {name}")
        (tmp_path / f"{name}.json").write_bytes(msgspec.json.encode(left))
    (tmp_path / "torn.json").write_text('{"name": ')
    try:
        assert reap(tmp_path) == ["mine"]
        assert await mine.wait() == -signal.SIGKILL
        assert strangers.returncode is None
        assert psutil.Process(strangers.pid).status() != psutil.STATUS_ZOMBIE
        assert list(tmp_path.iterdir()) == []
    finally:
        strangers.kill()
        await strangers.wait()


async def test_a_second_lab_is_refused_with_the_pid_of_the_first(labs: Labs) -> None:
    first = await labs.start()
    second = await labs.begin()
    assert await second.ended() == 2
    assert second.errors == f"A lab runs here already (pid {first.process.pid}); end it first with: operator lab down\n"
    assert len(await first.client.ps()) == 3


async def test_who_asked_may_go_and_the_work_is_done_to_its_end(labs: Labs) -> None:
    lab = await labs.start()
    _, writer = await asyncio.open_unix_connection(lab.client.file.socket)
    writer.write(json.dumps({"verb": "restart", "args": {"name": "kettle-1"}}).encode() + b"\n")
    await until(lambda: "stopped" in lab.states("kettle-1"), what="half of the restart")
    writer.close()
    await until(lambda: lab.states("kettle-1")[-1] == "up", what="the other half")
