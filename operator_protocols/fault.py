"""Failures that can be injected and undone."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from operator_protocols.service import Endpoints


class LabControl(Protocol):
    """What a fault may do to a lab. Every verb may be repeated: starting what runs and resuming what is not paused
    change nothing. Names that the lab does not have raise `KeyError`; what cannot be done raises `LabError`."""

    @property
    def endpoints(self) -> Endpoints: ...

    def running(self, name: str) -> bool: ...

    async def start(self, name: str) -> None: ...

    async def stop(self, name: str) -> None: ...

    async def kill(self, name: str) -> None:
        """SIGKILL; the lab does not start it again by itself."""
        ...

    async def pause(self, name: str) -> None:
        """SIGSTOP: the process is there, its ports accept, and nothing answers."""
        ...

    async def resume(self, name: str) -> None: ...

    async def spawn(self, name: str, argv: Sequence[str]) -> int:
        """Start a process beside the services, which `ps` does not list as one of them; gives its pid."""
        ...

    async def end(self, name: str) -> None:
        """Kill what `spawn` started under this name, if it still runs."""
        ...


class LabError(Exception):
    """The lab could not do what was asked; the text is a sentence for people."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A fault with its target chosen. `record` (what JSON can hold) is all that `undo` will know of the past."""

    target: str
    says: str
    record: dict[str, Any] = field(default_factory=dict)


@runtime_checkable
class Fault(Protocol):
    """A failure. The lab writes the plan to disk, then injects, and undoes after `limit_s` at the latest.

    `says` tells the audience what will happen, `looks_like` what they will see, `undone_by` how it is taken back.
    `breaks` names the invariants that it should break.
    """

    @property
    def name(self) -> str: ...
    @property
    def says(self) -> str: ...
    @property
    def looks_like(self) -> str: ...
    @property
    def undone_by(self) -> str: ...
    @property
    def breaks(self) -> tuple[str, ...]: ...
    @property
    def limit_s(self) -> float: ...

    async def plan(self, lab: LabControl, rng: random.Random) -> Plan:
        """Choose the target and note what the undo needs. Changes nothing."""
        ...

    async def inject(self, lab: LabControl, plan: Plan) -> None: ...

    async def undo(self, lab: LabControl, plan: Plan) -> None:
        """Take it back. May run twice, and after a crash in the middle of `inject`; leaves alone what was repaired."""
        ...
