"""The playbook on a real lab: it repairs each fault from what commands show, and escalates what it cannot explain."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio

from operator_core.errors import UserError
from operator_core.lab.client import LabClient
from operator_core.paths import StateDir
from operator_protocols import Conclusion, Finding, Observer, Result, TicketBrief, Violation
from subjects.ratelimiter.playbook import playbook
from subjects.ratelimiter.playbook.cluster import Cluster
from subjects.ratelimiter.playbook.findings import settings
from subjects.ratelimiter.playbook.look import read
from subjects.ratelimiter.subject import SUBJECT
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

MOST_COMMANDS = 12


@dataclass
class Bench:
    """A running lab, looked at by the monitor's own observer."""

    lab: LabClient
    observer: Observer
    commands: list[str] = field(default_factory=list)

    async def violations(self) -> dict[tuple[str, str], Finding]:
        seen = await self.observer.observe()
        return {
            (invariant.name, finding.target): finding
            for invariant in SUBJECT.invariants
            for finding in invariant.check(seen)
            if isinstance(finding, Violation)
        }

    async def until_whole(self) -> None:
        async def whole() -> bool:
            return not await self.violations()

        for _ in range(2):
            await until(whole, 30, "every invariant to hold")

    async def ticket_for(self, invariant: str) -> TicketBrief:
        """The ticket that a monitor would open once this invariant is broken."""
        found: list[Finding] = []

        async def broken() -> bool:
            found[:] = [finding for (name, _), finding in (await self.violations()).items() if name == invariant]
            return bool(found)

        await until(broken, 20, f"{invariant} to break")
        (finding, *_) = found
        assert isinstance(finding, Violation)
        return TicketBrief(1, invariant, finding.target, finding.summary)

    async def play(self, ticket: TicketBrief) -> Conclusion:
        """Run what the playbook asks for, as the agent would, until it concludes."""
        self.commands.clear()
        steps = playbook(ticket)
        run = next(steps)
        while len(self.commands) < MOST_COMMANDS:
            self.commands.append(run.command)
            output: dict[str, str] = {"stdout": "", "stderr": ""}

            def collect(stream: str, text: str, output: dict[str, str] = output) -> None:
                output[stream] += text

            end = await self.lab.exec(run.command, collect)
            errors = f"\n[standard error]\n{output['stderr']}" if output["stderr"] else ""
            try:
                run = steps.send(Result(output["stdout"].rstrip("\n") + errors, end.exit_status))
            except StopIteration as concluded:
                conclusion: Conclusion = concluded.value
                return conclusion
        raise AssertionError(f"no conclusion after {self.commands}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    root: Path = tmp_path_factory.mktemp("lab")
    state = StateDir.of(SUBJECT.name, root)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "operator_core.cli", "lab", "run", "--subject", SUBJECT.name, "--die-with-parent"),
        *("--state-dir", str(root)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    try:
        await until(state.lab_file.exists, 30, "the lab to be ready")
        lab = LabClient.open(state, "agent")
        observer = await SUBJECT.observer(lab.endpoints, 0.8)
        try:
            yield Bench(lab, observer)
        finally:
            await observer.aclose()
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


@contextlib.asynccontextmanager
async def injected(bench: Bench, fault: str) -> AsyncIterator[None]:
    people = LabClient(bench.lab.file, "a test")
    await bench.until_whole()
    await people.inject(fault)
    try:
        yield
    finally:
        await people.heal()


@pytest.mark.parametrize(
    ("fault", "invariant", "named"),
    [
        ("partition-node", "ghost_allowing", "cut"),
        ("slow-store", "high_latency", "slowed by 200 ms"),
        ("misconfigured-node", "ghost_allowing", "other settings"),
        ("hang-node", "node_down", "stopped in its tracks"),
        ("hang-store", "high_latency", "stopped in its tracks"),
    ],
)
async def test_it_repairs_the_fault_and_names_its_cause(bench: Bench, fault: str, invariant: str, named: str) -> None:
    async with injected(bench, fault):
        conclusion = await bench.play(await bench.ticket_for(invariant))
        await bench.until_whole()
    assert not conclusion.escalate, conclusion
    assert named in conclusion.what_happened.lower()
    assert conclusion.done and conclusion.alternatives


async def test_it_ends_who_changes_counters_and_starts_them_afresh(bench: Bench) -> None:
    async with injected(bench, "drift-counters"):
        conclusion = await bench.play(await bench.ticket_for("counter_drift"))
        await bench.until_whole()
    assert not conclusion.escalate, conclusion
    assert "counter-janitor" in conclusion.what_happened


async def test_it_repairs_a_killed_store_and_a_killed_node_together(bench: Bench) -> None:
    await bench.until_whole()
    await asyncio.gather(bench.lab.kill("store"), bench.lab.kill("node-2"))
    conclusion = await bench.play(await bench.ticket_for("node_down"))
    await bench.until_whole()
    assert not conclusion.escalate
    assert "store was" in conclusion.what_happened.lower() and "node-2 was" in conclusion.what_happened


async def test_a_limit_deleted_by_hand_is_escalated_with_the_way_to_put_it_back(bench: Bench) -> None:
    node = bench.lab.endpoints["node-1"].ports["http"]
    await bench.lab.exec(f"curl -s -X DELETE http://{node}/v1/limits/customer-001", lambda stream, text: None)
    conclusion = await bench.play(await bench.ticket_for("limit_lost"))
    assert conclusion.escalate
    assert "the limit of customer-001 is not stored" in conclusion.what_happened.lower()
    assert not any("-X PUT" in command for command in bench.commands)
    (put_back,) = [left.partition("`")[2].partition("`")[0] for left in conclusion.left if "customer-001" in left]
    await bench.lab.exec(put_back, lambda stream, text: None)
    await bench.until_whole()


async def test_what_is_over_is_said_to_be_over(bench: Bench) -> None:
    await bench.until_whole()
    conclusion = await bench.play(TicketBrief(1, "node_down", "node-1", "node-1 refuses connections."))
    assert not conclusion.escalate
    assert "is over" in conclusion.what_happened and "Nothing was changed" in conclusion.left[0]


@pytest.mark.parametrize(
    "ticket",
    [
        TicketBrief(1, "ghost_allowing", "node-1", "node-1 allowed a probe."),
        TicketBrief(1, "node_down", "node-1", "node-1 is down.", handed_back="node-1 is still down."),
        TicketBrief(1, "something_new", "node-1", "Nobody has seen this before."),
    ],
)
async def test_what_it_cannot_explain_it_escalates_and_leaves_alone(bench: Bench, ticket: TicketBrief) -> None:
    await bench.until_whole()
    conclusion = await bench.play(ticket)
    assert conclusion.escalate
    assert not conclusion.done
    assert not [command for command in bench.commands if "PUT" in command or "start" in command]


async def drive(answers: Callable[[str], Awaitable[Result]], ticket: TicketBrief) -> Conclusion:
    steps = playbook(ticket)
    run = next(steps)
    for _ in range(MOST_COMMANDS):
        try:
            run = steps.send(await answers(run.command))
        except StopIteration as concluded:
            conclusion: Conclusion = concluded.value
            return conclusion
    raise AssertionError("it does not come to an end")


@pytest.mark.parametrize(
    "result",
    [
        Result("", 0),
        Result("", None),
        Result("bash: lab: command not found", 127),
        Result("NAME ROLE STATE\nnode-1 node up 12 3s http=127.0.0.1:1 answers -\n", 0),
    ],
)
async def test_commands_that_tell_nothing_lead_to_an_escalation_never_to_a_change(result: Result) -> None:
    commands = []

    async def answers(command: str) -> Result:
        commands.append(command)
        return result

    conclusion = await drive(answers, TicketBrief(1, "node_down", "node-1", "node-1 is down."))
    assert conclusion.escalate
    assert not [command for command in commands if "lab re" in command or "lab start" in command or "PUT" in command]


async def test_a_service_that_will_not_start_is_escalated_with_what_was_tried() -> None:
    listing = "NAME    ROLE  STATE  PID  UPTIME  ADDRESSES              TITLE  LAST EXIT\n"
    listing += "node-1  node  died   -    -       http=127.0.0.1:7001    x      exit 1\n"

    async def answers(command: str) -> Result:
        return Result(listing, 0)

    conclusion = await drive(answers, TicketBrief(1, "node_down", "node-1", "node-1 is down."))
    assert conclusion.escalate
    assert "exit 1" in conclusion.cause
    assert "did not hold" in conclusion.what_happened


async def test_settings_without_a_majority_are_nobodys_to_choose() -> None:
    cluster = Cluster.read("a-1 node up 1 1s http=h:1 x -\nb-2 node up 2 1s http=h:2 x -\n")
    look = read('{"x":1} [200] http://h:1/v1/config\n{"x":2} [200] http://h:2/v1/config\n', cluster)
    assert look.configs == {"a-1": {"x": 1}, "b-2": {"x": 2}}
    assert not list(settings(cluster, look))


async def test_an_agent_can_neither_inject_nor_heal(bench: Bench) -> None:
    with pytest.raises(UserError):
        await bench.lab.heal()
