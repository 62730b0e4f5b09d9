"""What the lab says: its services, and the faults it was told to inject."""

from __future__ import annotations

from typing import Literal

import msgspec

from operator_core.events.base import Event

ServiceState = Literal["starting", "up", "paused", "stopped", "died", "failed"]
"""As the lab knows it from the process: `up` once it was ready, `paused` by SIGSTOP, `stopped` because somebody asked,
`died` by itself or by a kill, `failed` when it did not become ready."""


class LabStarting(Event, frozen=True, tag="lab_starting"):
    """`sandbox` is a sentence: what holds the lab in, or "no sandbox" and why."""

    subject: str
    deployment: str
    sandbox: str
    state_dir: str

    @property
    def text(self) -> str:
        return f"lab: starting {self.subject} ({self.deployment}; {self.sandbox})"


class ServiceChanged(Event, frozen=True, tag="service_changed"):
    """`by` says who asked for it ("lab", "fault kill-node", "operator lab", "agent"), or "" where nobody did."""

    name: str
    role: str
    state: ServiceState
    pid: int | None = None
    ports: dict[str, str] = msgspec.field(default_factory=dict)
    by: str = ""
    detail: str = ""

    @property
    def text(self) -> str:
        tail = "".join(f", {part}" for part in (self.by and f"by {self.by}", self.detail) if part)
        return f"lab: {self.name} {self.state}{tail}"


class LabReady(Event, frozen=True, tag="lab_ready"):
    """Every service was ready, `seconds` after the start."""

    seconds: float

    @property
    def text(self) -> str:
        return f"lab: ready after {self.seconds:.1f} s"


class LabStopped(Event, frozen=True, tag="lab_stopped"):
    """No process of the lab is left."""

    reason: str

    @property
    def text(self) -> str:
        return f"lab: stopped ({self.reason})"


class FaultInjected(Event, frozen=True, tag="fault_injected"):
    fault: str
    target: str
    says: str
    limit_s: float

    @property
    def text(self) -> str:
        return (
            f"fault: {self.fault} injected into {self.target}: {self.says} (undone after {self.limit_s:.0f} s at most)"
        )


class FaultUndone(Event, frozen=True, tag="fault_undone"):
    """`by`: "heal" (a person or the end of the demo), "time limit", or "start-up" after a crash. Never the agent: what
    the agent repairs is seen by the monitor, and the undo that follows finds nothing left to do."""

    fault: str
    target: str
    by: str

    @property
    def text(self) -> str:
        return f"fault: {self.fault} on {self.target} undone by {self.by}"


class FaultFailed(Event, frozen=True, tag="fault_failed"):
    """`phase`: "inject" or "undo". After a failed undo the record stays on disk."""

    fault: str
    target: str
    phase: Literal["plan", "inject", "undo"]
    error: str

    @property
    def text(self) -> str:
        return f"fault: {self.fault} on {self.target}: {self.phase} failed: {self.error}"


LabEvent = LabStarting | ServiceChanged | LabReady | LabStopped | FaultInjected | FaultUndone | FaultFailed
