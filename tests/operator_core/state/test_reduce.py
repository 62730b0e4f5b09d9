from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from operator_core.events import (
    AgentStarted,
    AnyEvent,
    Blind,
    CommandFinished,
    CommandOutput,
    CommandStarted,
    FaultInjected,
    FaultUndone,
    InvariantState,
    LabReady,
    ModelUsed,
    Observed,
    ServiceChanged,
    SessionEnded,
    SessionStarted,
    Thought,
    TicketChanged,
    decode,
    encode,
)
from operator_core.state import Command, Notice, RunState, Thoughts, Verdict, reduce
from operator_core.state.model import OUTPUT_KEPT
from operator_protocols import Level, Observation, ServiceHealth, Workload

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def fold(*events: AnyEvent, state: RunState | None = None) -> RunState:
    state = state or RunState()
    for event in events:
        state = reduce(state, decode(encode(event)))  # as it comes over the wire
    return state


def seen(seconds: float, *broken: str, level: Level = Level.OK, wrong: float = 0) -> Observed:
    load = Workload(level, 100.0, 0.0, 1.0, 5.0, damage={"wrongly allowed": wrong})
    observation = Observation(at(seconds), (ServiceHealth("node-1", "node", level, "up"),), load)
    return Observed(at=at(seconds), observation=observation, seconds=0.01, broken=broken)


def ticket(seconds: float, state: Any, number: int = 1) -> TicketChanged:
    return TicketChanged(
        at=at(seconds),
        ticket=number,
        invariant="node_down",
        target="node-1",
        state=state,
        summary="gone",
        actor="monitor",
    )


def injected(seconds: float) -> FaultInjected:
    return FaultInjected(at=at(seconds), fault="kill-node", target="node-1", says="", limit_s=180)


def command(seconds: float, entry: int, effect: Any) -> CommandStarted:
    return CommandStarted(at=at(seconds), session=1, entry=entry, command="x", reasoning="y", effect=effect)


def test_the_story_of_a_repair_has_its_five_moments_and_its_cost() -> None:
    state = fold(
        LabReady(at=at(0), seconds=1.0),
        seen(1, wrong=2),
        injected(2),
        seen(3, "node_down node-1", level=Level.BAD, wrong=7),
        ticket(3, "open"),
        SessionStarted(at=at(4), session=1, ticket=1),
        command(5, 1, "reads"),
        command(6, 2, "changes"),
        command(7, 3, "changes"),
        ModelUsed(at=at(7), session=1, model="m", input_tokens=10, output_tokens=5, cost_usd=0.5),
        seen(8, wrong=9),
        seen(9, wrong=9),
        ticket(10, "resolved"),
    )
    incident = state.incident
    assert incident is not None
    moments = (incident.detected_at, incident.diagnosed_at, incident.repaired_at, incident.verified_at)
    assert [incident.seconds(moment) for moment in moments] == [1, 4, 6, 8]
    assert incident.verified
    assert incident.commands == 3
    assert incident.damage == {"wrongly allowed": 7}
    assert (incident.usage.input_tokens, incident.usage.cost_usd) == (10, 0.5)


def test_what_breaks_again_was_not_repaired() -> None:
    state = fold(injected(0), ticket(1, "open"), seen(2), seen(3, "node_down node-1"), seen(5))
    assert state.incident is not None
    assert state.incident.repaired_at == at(5)


def test_a_fault_that_the_lab_undid_is_nobodys_repair() -> None:
    undone = FaultUndone(at=at(3), fault="kill-node", target="node-1", by="time limit")
    state = fold(injected(0), ticket(1, "open"), seen(2, "node_down node-1"), undone, seen(4), ticket(6, "resolved"))
    assert state.incident is not None
    assert state.incident.undone_by == "time limit"
    assert not state.incident.verified


def test_what_breaks_before_all_is_whole_again_belongs_to_the_undone_fault() -> None:
    undone = FaultUndone(at=at(3), fault="kill-node", target="node-1", by="heal")
    broken = seen(4, "node_down node-1")
    state = fold(injected(0), ticket(1, "open"), undone, broken, ticket(4, "resolved"), ticket(5, "open", 2))
    assert state.incident is not None and state.incidents == 1
    assert state.incident.tickets == {1, 2} and state.incident.undone_by == "heal"
    assert state.incident.repaired_at is None
    state = fold(seen(6), ticket(7, "resolved", 2), ticket(9, "open", 3), state=state)
    assert state.incidents == 2


def test_an_undo_after_the_repair_changes_nothing() -> None:
    undone = FaultUndone(at=at(9), fault="kill-node", target="node-1", by="heal")
    state = fold(injected(0), ticket(1, "open"), seen(4), ticket(6, "resolved"), undone)
    assert state.incident is not None and state.incident.verified


def test_every_ticket_of_the_incident_must_be_resolved() -> None:
    state = fold(injected(0), ticket(1, "open"), ticket(2, "open", 2), seen(3), ticket(4, "resolved"))
    assert state.incident is not None and state.incident.verified_at is None
    state = fold(ticket(5, "resolved", 2), state=state)
    assert state.incident is not None and state.incident.verified_at == at(5)


def test_an_incident_nobody_injected_begins_with_its_detection() -> None:
    state = fold(seen(0), ticket(1, "open"), seen(5), ticket(8, "resolved"))
    assert state.incident is not None
    assert (state.incident.fault, state.incident.seconds(state.incident.verified_at)) == ("", 7)


def test_an_unknown_price_makes_the_cost_unknown() -> None:
    used = ModelUsed(session=1, model="m", input_tokens=1, output_tokens=1)
    priced = ModelUsed(session=1, model="m", input_tokens=1, output_tokens=1, cost_usd=0.1)
    assert fold(priced, used, priced).usage.cost_usd is None


def test_health_needs_sight() -> None:
    ready = LabReady(at=at(0), seconds=1)
    assert not fold(ready).healthy
    assert fold(ready, seen(1)).healthy
    assert not fold(ready, seen(1), Blind(at=at(2), error="x", for_s=1)).healthy
    assert not fold(ready, seen(1, level=Level.UNKNOWN)).healthy
    assert fold(ready, Blind(at=at(0), error="x", for_s=1), seen(1)).healthy


def test_thoughts_join_and_the_verdict_takes_the_place_of_the_last() -> None:
    state = fold(
        SessionStarted(session=1, ticket=1),
        Thought(session=1, delta="I lo"),
        Thought(session=1, delta="ok.", done=True),
        command(1, 7, "reads"),
        CommandOutput(session=1, entry=7, stream="stdout", chunk="a" * OUTPUT_KEPT),
        CommandOutput(session=1, entry=7, stream="stderr", chunk="bb"),
        CommandFinished(session=1, entry=7, exit_status=0, seconds=0.2),
        Thought(session=1, delta="It was the node."),
        SessionEnded(
            session=1,
            ticket=1,
            outcome="verifying",
            conclusion="It was the node.",
            summary="node",
            seconds=1,
            commands=1,
        ),
    )
    start, thoughts, ran, verdict = state.transcript
    assert isinstance(start, Notice)
    assert isinstance(thoughts, Thoughts) and thoughts.text == "I look."
    assert isinstance(ran, Command) and ran.output.endswith("abb") and ran.cut == 2 and ran.seconds == 0.2
    assert isinstance(verdict, Verdict) and verdict.outcome == "verifying"


def test_the_state_stays_bounded_under_a_flood() -> None:
    state = RunState()
    for number in range(2_000):
        state = fold(command(number, number, "reads"), seen(number), ticket(number, "open", number % 5), state=state)
    assert (len(state.transcript), len(state.workload_history), len(state.monitor_lines)) == (300, 600, 500)
    assert state.transcript_dropped == 1_700


def test_who_plays_comes_from_the_agent_itself() -> None:
    state = fold(AgentStarted(agent="scripted", model="scripted", mode="execute"))
    assert (state.agent, state.mode) == ("scripted", "execute")


def test_a_service_that_died_is_logged_as_bad() -> None:
    state = fold(ServiceChanged(name="node-1", role="node", state="died", detail="exit -9"))
    assert state.logs[-1].level == "bad"


def test_the_moment_of_detection_is_kept_for_the_screen() -> None:
    state = fold(InvariantState(at=at(3), invariant="node_down", target="node-1", state="broken"))
    assert state.detected_at["node-1"] == at(3)
