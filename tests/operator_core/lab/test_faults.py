"""Faults: on disk before they are injected, and taken back however the lab ends."""

from __future__ import annotations

import asyncio
import json
import signal

import psutil
import pytest

from operator_core.errors import UserError
from operator_core.events import FaultFailed, FaultInjected, FaultUndone, ServiceChanged
from tests.operator_core.lab.conftest import Labs, RunningLab
from tests.waiting import until


async def test_injected_once_a_target_and_healed_twice(lab: RunningLab) -> None:
    client = lab.client
    says = await client.inject("kill")
    target = says.split()[0]
    assert says == f"{target} suffers kill."
    (record,) = lab.state.faults.iterdir()
    assert json.loads(record.read_bytes()) == {
        "fault": "kill",
        "target": target,
        "says": says,
        "record": {"why": "tea"},
    }
    assert [(row.name, row.targets) for row in await client.faults() if row.targets] == [("kill", [target])]
    assert lab.states(target)[-1] == "died"
    assert lab.said(ServiceChanged)[-1].by == "fault kill"
    other = {"kettle-1": "kettle-2", "kettle-2": "kettle-1"}[target]
    while lab.said(FaultInjected)[-1].target != other:
        try:
            await client.inject("pause")
        except UserError as error:
            assert str(error) == f"kill is injected into {target} already; heal it first."
    with pytest.raises(UserError, match="already; heal it first"):
        await client.inject("pause")
    assert sorted(await client.heal()) == sorted([f"kill on {target}", f"pause on {other}"])
    assert await client.heal() == []
    assert [row.state for row in await client.ps()] == ["up"] * 3
    assert [event.by for event in lab.said(FaultUndone)] == ["heal", "heal"]
    assert not list(lab.state.faults.iterdir())
    with pytest.raises(UserError, match="no fault 'earthquake'; choose one of: kill, pause"):
        await client.inject("earthquake")


async def test_the_time_limit(lab: RunningLab) -> None:
    await lab.client.inject("brief")
    await until(lambda: lab.said(FaultUndone), what="the time limit")
    assert lab.said(FaultUndone)[0].by == "time limit"
    assert [row.state for row in await lab.client.ps()] == ["up"] * 3
    assert not list(lab.state.faults.iterdir())


async def test_an_injection_that_fails_is_taken_back(lab: RunningLab) -> None:
    with pytest.raises(UserError, match="the inject failed: the tap is dry"):
        await lab.client.inject("fails")
    (failure,) = lab.said(FaultFailed)
    assert (failure.phase, failure.error) == ("inject", "the tap is dry")
    assert not lab.said(FaultInjected)
    assert [row.state for row in await lab.client.ps()] == ["up"] * 3
    assert not list(lab.state.faults.iterdir())


async def test_an_undo_that_fails_stays_on_record_and_does_not_keep_the_lab_from_ending(labs: Labs) -> None:
    lab = await labs.start()
    await lab.client.inject("stuck")
    with pytest.raises(UserError, match="the undo failed: the lid is stuck"):
        await lab.client.heal()
    assert await lab.end() == 0
    assert len(list(labs.state.faults.iterdir())) == 1
    assert labs.left() == []


async def test_what_a_fault_spawned_is_no_service_and_ends_with_it(labs: Labs) -> None:
    lab = await labs.start()
    await lab.client.inject("stray")
    pid = json.loads((labs.state.processes / "stray.json").read_bytes())["process"]["pid"]
    assert "stray" not in [row.name for row in await lab.client.ps()]
    await lab.client.heal()
    assert not psutil.pid_exists(pid)
    await lab.client.inject("stray")
    assert await lab.end() == 0
    assert [event.by for event in lab.said(FaultUndone)] == ["heal", "heal"]
    assert labs.left() == []


async def test_a_crash_in_the_middle_of_an_injection_is_undone_at_the_next_start(labs: Labs) -> None:
    lab = await labs.start()
    asking = asyncio.create_task(lab.client.inject("hangs"))
    await until(lambda: "died" in lab.states("kettle-1") + lab.states("kettle-2"), what="half of the injection")
    assert len(list(labs.state.faults.iterdir())) == 1
    lab.process.send_signal(signal.SIGKILL)
    await asyncio.gather(asking, return_exceptions=True)
    await lab.ended()
    again = await labs.start()
    (undone,) = again.said(FaultUndone)
    assert (undone.fault, undone.by) == ("hangs", "start-up")
    assert not list(labs.state.faults.iterdir())


async def test_records_that_mean_nothing_any_more_are_dropped_with_a_word(labs: Labs) -> None:
    (labs.state.faults / "odd@kettle-1.json").write_text(
        '{"fault": "odd", "target": "kettle-1", "says": "", "record": {}}'
    )
    (labs.state.faults / "torn@kettle-1.json").write_text('{"fault": ')
    lab = await labs.start()
    assert [event.error.split(":")[0] for event in lab.said(FaultFailed)] == ["dropped", "dropped"]
    assert not list(labs.state.faults.iterdir())


async def test_the_same_seed_chooses_the_same_targets(labs: Labs) -> None:
    async def targets() -> list[str]:
        lab = await labs.start("--seed", "7")
        for _ in range(3):
            await lab.client.inject("kill")
            await lab.client.heal()
        await lab.end()
        return [event.target for event in lab.said(FaultInjected)]

    assert await targets() == await targets()
