"""The fold of the incident: when it was injected, detected, diagnosed, repaired and verified, and what it cost."""

from __future__ import annotations

from dataclasses import replace

from operator_core.events import (
    AnyEvent,
    CommandStarted,
    FaultInjected,
    FaultUndone,
    ModelUsed,
    Observed,
    SessionEnded,
    TicketChanged,
)
from operator_core.state.model import Incident, RunState
from operator_core.state.transcript import add_usage


def reduce(state: RunState, event: AnyEvent) -> RunState:
    incident = state.incident
    match event:
        case FaultInjected():
            damage = dict(state.workload.damage) if state.workload else {}
            fresh = Incident(event.fault, event.target, event.at, damage_before=damage, damage_after=damage)
            if incident is not None and _runs(incident):  # a second fault on top: still the same story
                fresh = replace(incident, fault=f"{incident.fault} + {event.fault}" if incident.fault else event.fault)
                return replace(state, incident=fresh)
            return replace(state, incident=fresh, incidents=state.incidents + 1)
        case TicketChanged(state="open"):
            return _opened(state, event)
        case _ if incident is None:
            return state
        case TicketChanged(state="resolved") if event.ticket in incident.tickets:
            live = {ticket.id for ticket in state.live_tickets}
            if not live & incident.tickets:
                return replace(state, incident=replace(incident, verified_at=event.at))
        case TicketChanged(state="escalated") if event.ticket in incident.tickets:
            return replace(state, incident=replace(incident, escalated=True))
        case CommandStarted():
            incident = replace(incident, commands=incident.commands + 1)
            if event.effect == "changes" and incident.diagnosed_at is None and incident.detected_at is not None:
                incident = replace(incident, diagnosed_at=event.at)
            return replace(state, incident=incident)
        case SessionEnded(outcome="verifying" | "escalated") if incident.diagnosed_at is None:
            return replace(state, incident=replace(incident, diagnosed_at=event.at))
        case ModelUsed():
            return replace(state, incident=replace(incident, usage=add_usage(incident.usage, event)))
        case FaultUndone() if incident.repaired_at is None:
            return replace(state, incident=replace(incident, undone_by=event.by))
        case Observed() if incident.verified_at is None or incident.whole_at is None:
            return replace(state, incident=_seen(incident, event))
    return state


def _runs(incident: Incident) -> bool:
    return incident.verified_at is None and not incident.undone_by


def _opened(state: RunState, event: TicketChanged) -> RunState:
    incident = state.incident
    if incident is None or not (_runs(incident) or incident.whole_at is None):
        damage = dict(state.workload.damage) if state.workload else {}
        incident = Incident(damage_before=damage, damage_after=damage)
        state = replace(state, incidents=state.incidents + 1)
    return replace(
        state,
        incident=replace(
            incident,
            detected_at=incident.detected_at or event.at,
            tickets=incident.tickets | {event.ticket},
            repaired_at=None,
            verified_at=None,
        ),
    )


def _seen(incident: Incident, event: Observed) -> Incident:
    load = event.observation.workload
    if load is not None and not incident.undone_by:
        incident = replace(incident, damage_after=dict(load.damage))
    whole_at = None if event.broken else incident.whole_at or event.at
    incident = replace(incident, whole_at=whole_at)
    if incident.detected_at is None or incident.undone_by:
        return incident
    return replace(incident, repaired_at=whole_at)
