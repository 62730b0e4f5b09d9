"""The demo itself, in real processes: every fault, every way out, and what must not be left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from operator_core.events import AnyEvent, FaultInjected, LabReady, LabStarting, Observed, ServiceChanged
from operator_core.registry import load_subject
from tests.e2e.shows import Show
from tests.waiting import until

pytestmark = pytest.mark.e2e

FAULTS = [fault.name for fault in load_subject("ratelimiter").faults]


@pytest.fixture
async def show(tmp_path: Path) -> AsyncIterator[Show]:
    show = Show(tmp_path)
    yield show
    if show.process is not None and show.process.returncode is None:
        show.process.kill()
        await show.process.wait()


@pytest.mark.parametrize("fault", FAULTS)
async def test_every_fault_is_detected_repaired_and_verified(show: Show, fault: str) -> None:
    await show.start("--fault", fault, "--seed", "7")
    status = await show.status()
    summary = show.summary
    assert status == 0, "".join(show.lines[-60:])
    assert summary["fault"] == fault and summary["verified"] and not summary["escalated"]
    assert 0 < summary["detected_s"] <= summary["diagnosed_s"] <= summary["repaired_s"] <= summary["verified_s"]
    assert summary["commands"] > 0 and summary["lost_entries"] == 0
    assert (summary["subject"], summary["deployment"], summary["agent"]) == ("ratelimiter", "processes", "scripted")
    assert show.left_behind() == []


@pytest.mark.parametrize(
    ("moment", "number"),
    [(LabStarting, signal.SIGINT), (LabReady, signal.SIGTERM), (FaultInjected, signal.SIGINT)],
)
async def test_whenever_it_is_interrupted_nothing_is_left(
    show: Show, moment: type[AnyEvent], number: signal.Signals
) -> None:
    await show.start()
    assert show.process is not None
    await until(lambda: show.seen(moment), within_s=60, what=moment.__name__)
    show.process.send_signal(number)
    assert await show.status() == 1
    await until(lambda: show.left_behind() == [], what="every process to be gone")


async def test_after_sigkill_in_the_middle_of_a_fault_the_next_start_goes_on(show: Show) -> None:
    await show.start("--fault", "partition-node")
    assert show.process is not None
    await until(lambda: show.seen(FaultInjected), within_s=60, what="the fault")
    show.process.kill()
    await show.status()
    await until(lambda: show.left_behind() == [], within_s=30, what="daemons and services to end with the demo")

    again = Show(show.root)
    await again.start("--fault", "kill-node")
    assert await again.status() == 0, "".join(again.lines[-60:])
    assert again.left_behind() == []


@pytest.fixture
def nothing_injected(tmp_path: Path) -> Path:
    """A show that injects nothing and ends when what broke is resolved, or has been waited for."""
    folder = tmp_path / "chapters"
    folder.mkdir()
    (folder / "01.md").write_text('+++\ntitle = "healthy"\nuntil = ["healthy", "load"]\n+++\n')
    (folder / "02.md").write_text('+++\ntitle = "repair"\nuntil = ["verified"]\ndeadline = 40\n+++\n')
    return folder


async def by_hand(show: Show, command: str) -> None:
    """What a person does in the lab while the show runs."""
    lab = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "operator_core.cli", "lab", *command.split(" ", 1)),
        env={**os.environ, "OPERATOR_STATE_DIR": str(show.root)},
    )
    assert await lab.wait() == 0


async def test_store_and_node_killed_by_hand_are_repaired_together(show: Show, nothing_injected: Path) -> None:
    await show.start("--chapters", str(nothing_injected))
    await until(lambda: any("chapter 2" in line for line in show.lines), within_s=60, what="chapter 2")
    await by_hand(show, "kill store")
    await by_hand(show, "kill node-2")
    assert await show.status() == 0, "".join(show.lines[-80:])
    assert show.summary["verified"] and show.summary["fault"] == ""


async def test_a_limit_deleted_by_hand_is_escalated_and_never_called_resolved(
    show: Show, nothing_injected: Path
) -> None:
    await show.start("--chapters", str(nothing_injected))
    await until(lambda: any("chapter 2" in line for line in show.lines), within_s=60, what="chapter 2")
    ports = next(e.ports for e in show.events() if isinstance(e, ServiceChanged) and e.name == "node-1" and e.ports)
    await by_hand(show, f"exec curl -sf -X DELETE http://{ports['http']}/v1/limits/customer-001")
    assert await show.status() == 1
    assert show.summary["escalated"] and not show.summary["verified"]
    assert "the limit of customer-001 is not stored" in "".join(show.lines).lower()
    assert show.left_behind() == []


async def test_two_demos_do_not_share_a_state_folder(show: Show) -> None:
    await show.start()
    await until(lambda: show.seen(Observed), within_s=60, what="the first observation")
    second = Show(show.root)
    await second.start()
    assert await second.status() == 2
    assert "A demo runs here already" in "".join(second.lines)
    assert await show.status() == 0
