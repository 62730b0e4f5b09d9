"""What a chapter can wait for. Each is a question to the state; none of them can be told what to answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from operator_core.state import RunState


def _detected(state: RunState) -> bool:
    return state.incident is not None and state.incident.detected_at is not None


def _diagnosed(state: RunState) -> bool:
    return state.incident is not None and state.incident.diagnosed_at is not None


def _repaired(state: RunState) -> bool:
    return state.incident is not None and state.incident.repaired_at is not None


def _verified(state: RunState) -> bool:
    return state.incident is not None and state.incident.verified


CONDITIONS: Mapping[str, tuple[str, Callable[[RunState], bool]]] = {
    "ready": ("every service is ready", lambda state: state.ready_after_s is not None),
    "healthy": ("every invariant holds", lambda state: state.healthy),
    "load": ("clients are served", lambda state: bool(state.workload and state.workload.operations_per_s > 0)),
    "injected": ("the fault is injected", lambda state: bool(state.incident and state.incident.injected_at)),
    "detected": ("the monitor has opened a ticket", _detected),
    "diagnosed": ("the agent acts on its diagnosis", _diagnosed),
    "repaired": ("nothing is broken any more", _repaired),
    "verified": ("the monitor has resolved every ticket", _verified),
}


def holds(name: str, state: RunState) -> bool:
    return CONDITIONS[name][1](state)
