"""What a lab does with its services, and what it sees of them."""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from operator_core.errors import UserError
from operator_core.events import LabReady, LabStarting, LabStopped, ServiceChanged
from operator_core.lab.lab import check
from operator_core.lab.logs import KEPT, LARGEST, cut, last_lines
from operator_protocols import Ready, Service
from tests.operator_core.lab.conftest import Labs, RunningLab
from tests.waiting import until


async def test_starts_in_order_and_stops_in_reverse(labs: Labs) -> None:
    lab = await labs.start()
    order = [(event.name, event.state) for event in lab.said(ServiceChanged)]
    assert order.index(("stove", "up")) < order.index(("kettle-1", "starting"))
    assert order.index(("kettle-2", "starting")) < order.index(("kettle-1", "up"))  # side by side
    assert isinstance(lab.events[0], LabStarting)
    assert isinstance(lab.events[-1], LabReady)
    assert [(row.name, row.state) for row in await lab.client.ps()] == [
        ("kettle-1", "up"),
        ("kettle-2", "up"),
        ("stove", "up"),
    ]
    assert await lab.end() == 0
    assert [event.name for event in lab.said(ServiceChanged) if event.state == "stopped"][-1] == "stove"
    assert lab.events[-1] == LabStopped(at=lab.events[-1].at, reason="SIGTERM")
    assert labs.left() == []
    assert list(labs.state.processes.iterdir()) == []
    assert not labs.state.lab_file.exists()


async def test_verbs(lab: RunningLab) -> None:
    client = lab.client
    ports = (await client.ps())[0].ports
    first = await lab.pid("kettle-1")
    assert await client.start("kettle-1") == "kettle-1 runs already."
    assert await client.pause("kettle-1") == "kettle-1 is paused."
    assert await client.pause("kettle-1") == "kettle-1 was paused already."
    assert "paused" in await client.start("kettle-1")
    assert await client.resume("kettle-1") == "kettle-1 runs on."
    assert await client.kill("kettle-1") == "kettle-1 is killed."
    assert await client.kill("kettle-1") == "kettle-1 was not running."
    dead = (await client.ps())[0]
    assert (dead.state, dead.pid, dead.uptime_s, dead.last_exit) == ("died", None, None, "killed by SIGKILL")
    with pytest.raises(UserError, match="kettle-1 is not running"):
        await client.pause("kettle-1")
    assert await client.start("kettle-1") == "kettle-1 is up."
    await client.pause("kettle-1")
    assert await client.stop("kettle-1") == "kettle-1 is stopped."  # a paused one, too
    assert (await client.ps())[0].state == "stopped"
    await client.restart("kettle-1")
    again = (await client.ps())[0]
    assert again.state == "up"
    assert again.pid != first
    assert again.ports == ports
    with pytest.raises(UserError, match="no service 'teapot'; the lab has: kettle-1, kettle-2, stove"):
        await client.stop("teapot")
    by = {event.by for event in lab.said(ServiceChanged) if event.state in ("died", "paused")}
    assert by == {"operator lab"}


async def test_what_others_do_to_a_process_is_noticed(lab: RunningLab) -> None:
    pid = await lab.pid("kettle-2")
    os.kill(pid, signal.SIGSTOP)
    await until(lambda: lab.states("kettle-2")[-1] == "paused", what="the pause")
    os.kill(pid, signal.SIGCONT)
    await until(lambda: lab.states("kettle-2")[-1] == "up", what="the end of the pause")
    os.kill(pid, signal.SIGSEGV)
    await until(lambda: lab.states("kettle-2")[-1] == "died", what="the death")
    death = lab.said(ServiceChanged)[-1]
    assert (death.by, death.detail, death.pid) == ("", "killed by SIGSEGV", None)


async def test_a_port_that_was_taken_meanwhile(lab: RunningLab) -> None:
    await lab.client.stop("kettle-1")
    address = lab.client.endpoints["kettle-1"].ports["http"]
    with socket.create_server((address.host, address.port)):
        with pytest.raises(UserError, match=f"its port {address} is taken by another process"):
            await lab.client.start("kettle-1")
        assert (await lab.client.ps())[0].state == "failed"
    assert await lab.client.start("kettle-1") == "kettle-1 is up."


@pytest.mark.parametrize(
    ("trait", "says"),
    [("broken", "ended while it started: exit status 1: the element is burnt out"), ("slow", "not ready within 1.5 s")],
)
async def test_a_service_that_does_not_become_ready(labs: Labs, trait: str, says: str) -> None:
    lab = await labs.begin("--option", f"{trait}=kettle-2")
    assert await lab.ended() == 1
    assert says in lab.errors
    assert lab.errors.count("\n") == 1
    assert lab.states("kettle-2") == ["starting", "failed"]
    failure = next(event for event in lab.said(ServiceChanged) if event.state == "failed")
    assert ("burnt out" if trait == "broken" else "503") in failure.detail
    assert isinstance(lab.events[-1], LabStopped)
    assert labs.left() == []


async def test_a_stubborn_service_is_killed_after_its_grace(labs: Labs) -> None:
    lab = await labs.start("--option", "stubborn=kettle-1")
    await lab.client.stop("kettle-1")
    assert (await lab.client.ps())[0].last_exit == "killed by SIGKILL"
    await lab.client.start("kettle-1")
    assert await lab.end() == 0
    assert labs.left() == []


def test_services_that_cannot_be_a_lab() -> None:
    def service(name: str, *after: str) -> Service:
        return Service(name, "role", "title", lambda _: [sys.executable], ("http",), Ready("http"), after)

    check([service("a"), service("b", "a")])
    with pytest.raises(UserError, match="circle"):
        check([service("a", "b"), service("b", "a")])
    with pytest.raises(UserError, match="waits for c"):
        check([service("a", "c")])
    with pytest.raises(UserError, match="alike"):
        check([service("a"), service("a")])


def test_a_log_is_cut_to_its_end(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    with log.open("ab") as service:
        while service.tell() <= LARGEST:
            service.write(b"".join(b"%09d\n" % number for number in range(100_000)))
        service.write(b"the last line\n")
        service.flush()
        cut(log)
        assert log.stat().st_size <= KEPT
        service.write(b"and one more\n")
    assert last_lines(log, 2) == ["the last line", "and one more"]
    assert len(log.read_bytes().splitlines()[0]) == 9
