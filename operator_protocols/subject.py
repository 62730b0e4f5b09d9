"""The system under operation: the one object that a package registers under the entry-point group `operator.subjects`.

A third subject needs: `services` (what to run), an `Observer` (what can be seen of it), `invariants` (what must hold),
`faults` (how to break it), a `briefing` and a `playbook` (what an agent is told), and a folder of chapters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from operator_protocols.fault import Fault
from operator_protocols.invariant import Invariant
from operator_protocols.observation import Observation
from operator_protocols.playbook import Playbook
from operator_protocols.service import Endpoints, Service


@runtime_checkable
class Observer(Protocol):
    """A connection to a running lab. Made in the monitor's event loop and used there alone."""

    async def observe(self) -> Observation:
        """Look once, at all services side by side, and come back within `timeout_s`.

        A service that cannot be seen is a row with its level UNKNOWN or BAD, not an exception. An exception means
        that this observation failed as a whole: the monitor reports itself blind.
        """
        ...

    async def aclose(self) -> None: ...


@runtime_checkable
class Subject(Protocol):
    @property
    def name(self) -> str:
        """The word on the command line: lower case, no spaces."""
        ...

    @property
    def title(self) -> str: ...

    @property
    def invariants(self) -> Sequence[Invariant]: ...

    @property
    def faults(self) -> Sequence[Fault]:
        """All of them; the first is the one that the show injects where nobody chooses another."""
        ...

    @property
    def playbook(self) -> Playbook: ...

    def services(self, options: Mapping[str, str]) -> Sequence[Service]:
        """What a lab runs, in any order. `options` come from `--option name=value`; unknown ones and bad values raise
        `ValueError` with a sentence for people."""
        ...

    def reads(self, words: Sequence[str]) -> bool:
        """Whether a program of the subject's own, given by its name and arguments, changes nothing. False for any other
        program: the operator knows the usual ones. It decides what an audience and an approver are told of a command.
        """
        ...

    def briefing(self, endpoints: Endpoints) -> str:
        """What an operator who is new to this lab has to know: parts, addresses, where health, metrics and settings
        are read and set. Nothing about faults. Markdown, under a page."""
        ...

    async def observer(self, endpoints: Endpoints, timeout_s: float) -> Observer: ...
