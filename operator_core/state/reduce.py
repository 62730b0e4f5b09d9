"""`state = reduce(state, event)`: the only way in which a state comes about. Pure; knows no clock but the events'."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

from operator_core.events import (
    AgentStarted,
    AgentWaiting,
    AnyEvent,
    Blind,
    ChapterEntered,
    CommandFinished,
    CommandOutput,
    CommandStarted,
    CountdownTick,
    DaemonExited,
    DaemonStarted,
    DemoStarted,
    FaultFailed,
    FaultInjected,
    FaultUndone,
    InvariantState,
    LabReady,
    LabStarting,
    LabStopped,
    Logged,
    ModeChanged,
    ModelUsed,
    MonitorStarted,
    Observed,
    ServiceChanged,
    SessionEnded,
    SessionStarted,
    Thought,
    TicketChanged,
)
from operator_core.state import story, transcript
from operator_core.state.model import (
    MONITOR_LINES,
    WORKLOAD_POINTS,
    Countdown,
    Daemon,
    Line,
    LineLevel,
    Process,
    RunState,
    Ticket,
    WorkloadPoint,
)

K = TypeVar("K")
V = TypeVar("V")


def reduce(state: RunState, event: AnyEvent) -> RunState:
    state = replace(state, now=event.at if state.now is None else max(state.now, event.at))
    state = _reduce(state, event)
    return story.reduce(transcript.reduce(state, event), event)


def put(mapping: Mapping[K, V], key: K, value: V) -> Mapping[K, V]:
    return MappingProxyType({**mapping, key: value})


def _log(state: RunState, event: AnyEvent, level: LineLevel) -> RunState:
    return replace(state, logs=(*state.logs, Line(event.at, level, event.text))[-MONITOR_LINES:])


def _say(state: RunState, event: AnyEvent, level: LineLevel, text: str = "") -> RunState:
    line = Line(event.at, level, text or event.text)
    return replace(state, monitor_lines=(*state.monitor_lines, line)[-MONITOR_LINES:])


def _reduce(state: RunState, event: AnyEvent) -> RunState:
    match event:
        case DemoStarted():
            return replace(
                state,
                started_at=event.at,
                subject=event.subject,
                title=event.title,
                deployment=event.deployment,
                agent=event.agent,
                mode=event.mode,
                fault=event.fault,
                chapters=tuple(event.chapters),
                seed=event.seed,
            )
        case ChapterEntered():
            return replace(state, chapter=event.index)
        case CountdownTick():
            over = event.aborted or event.left == 0
            return replace(state, countdown=None if over else Countdown(event.fault, event.left))
        case DaemonStarted():
            return replace(state, daemons=put(state.daemons, event.daemon, Daemon(event.pid)))
        case DaemonExited():
            pid = state.daemons[event.daemon].pid if event.daemon in state.daemons else 0
            ended = put(state.daemons, event.daemon, Daemon(pid, event.status, event.expected))
            return _log(replace(state, daemons=ended), event, "info" if event.expected else "bad")
        case Logged():
            return _log(state, event, "bad" if event.level == "error" else event.level)
        case LabStarting():
            return replace(
                state,
                subject=event.subject,
                deployment=event.deployment,
                sandbox=event.sandbox,
                ready_after_s=None,
                stopped=False,
                processes=MappingProxyType({}),
            )
        case ServiceChanged():
            process = Process(event.name, event.role, event.state, event.pid, event.detail)
            level: LineLevel = "bad" if event.state in ("died", "failed") else "info"
            return _log(replace(state, processes=put(state.processes, event.name, process)), event, level)
        case LabReady():
            return replace(state, ready_after_s=event.seconds)
        case LabStopped():
            return replace(state, stopped=True, active_faults=frozenset())
        case FaultInjected():
            state = replace(state, active_faults=state.active_faults | {(event.fault, event.target)})
            return _log(state, event, "warning")
        case FaultUndone():
            state = replace(state, active_faults=state.active_faults - {(event.fault, event.target)})
            return _log(state, event, "info")
        case FaultFailed():
            return _log(state, event, "bad")
        case MonitorStarted():
            return _say(replace(state, invariants=tuple(event.invariants)), event, "info")
        case InvariantState():
            if event.state == "broken":
                state = replace(state, detected_at=put(state.detected_at, event.target, event.at))
            word: dict[str, LineLevel] = {"broken": "bad", "whole": "good", "unseen": "warning"}
            return _say(state, event, word[event.state], event.text.removeprefix("monitor: "))
        case Observed():
            return _observed(state, event)
        case Blind():
            said = state if state.blind else _say(state, event, "bad", event.text.removeprefix("monitor: "))
            return replace(said, blind=event.error)
        case TicketChanged():
            return _ticket(state, event)
        case AgentStarted():
            return replace(state, agent=event.agent, model=event.model, mode=event.mode)
        case ModeChanged():
            return replace(state, mode=event.mode)
        case (
            SessionStarted()
            | Thought()
            | CommandStarted()
            | CommandOutput()
            | CommandFinished()
            | ModelUsed()
            | AgentWaiting()
            | SessionEnded()
        ):
            return state  # transcript.py and story.py


def _observed(state: RunState, event: Observed) -> RunState:
    load = event.observation.workload
    history = state.workload_history
    if load is not None:
        point = WorkloadPoint(event.at, load.level, load.operations_per_s, load.errors_per_s, load.p99_ms)
        history = (*history, point)[-WORKLOAD_POINTS:]
    if state.blind:
        state = _say(state, event, "good", "can see again")
    return replace(
        state,
        observation=event.observation,
        observed_in_s=event.seconds,
        observations=state.observations + 1,
        broken=tuple(event.broken),
        blind="",
        workload=load,
        workload_history=history,
    )


def _ticket(state: RunState, event: TicketChanged) -> RunState:
    before = state.tickets.get(event.ticket)
    ticket = Ticket(
        id=event.ticket,
        invariant=event.invariant,
        target=event.target,
        state=event.state,
        summary=event.summary,
        note=event.note,
        actor=event.actor,
        opened_at=before.opened_at if before else event.at,
        changed_at=event.at,
        occurrences=event.occurrences,
        flapping=event.flapping,
    )
    levels: dict[str, LineLevel] = {"open": "bad", "escalated": "bad", "resolved": "good"}
    return _say(
        replace(state, tickets=put(state.tickets, event.ticket, ticket)), event, levels.get(event.state, "info")
    )
