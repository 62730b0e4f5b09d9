"""Named moments of a run: the first state in which something has come true."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from chapters import CONDITIONS
from operator_core.events import AnyEvent
from operator_core.state import Command, RunState, reduce

MOMENTS: Mapping[str, Callable[[RunState], bool]] = {
    **{name: holds for name, (_, holds) in CONDITIONS.items()},
    "countdown": lambda state: state.countdown is not None and state.countdown.left <= 3,
    "working": lambda state: sum(isinstance(block, Command) for block in state.transcript) >= 3,
    "escalated": lambda state: state.incident is not None and state.incident.escalated,
}


def until(events: Iterable[AnyEvent], moment: str) -> list[AnyEvent]:
    """The events up to a moment: a name in `MOMENTS`, "end", or seconds after the first event ("+12.5").
    `ValueError` when the run never comes to it, `KeyError` for a name that is none."""
    heard: list[AnyEvent] = []
    state = RunState()
    seconds = float(moment) if moment.startswith("+") else None
    reached = MOMENTS[moment] if seconds is None and moment != "end" else None
    for event in events:
        if seconds is not None and heard and (event.at - heard[0].at).total_seconds() > seconds:
            return heard
        heard.append(event)
        state = reduce(state, event)
        if reached is not None and reached(state):
            return heard
    if reached is not None:
        raise ValueError(f"the run never comes to {moment!r}")
    return heard
