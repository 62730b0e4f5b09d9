"""What must hold of a subject, and what is said when it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from operator_protocols.observation import Observation


@dataclass(frozen=True, slots=True)
class Violation:
    """The invariant is broken for `target`: a service's name, or the subject's word for the part that is concerned.

    `summary` is one sentence with the figures that show it ("node-2 does not answer on 127.0.0.1:7002").
    """

    target: str
    summary: str


@dataclass(frozen=True, slots=True)
class Unseen:
    """The invariant could not be judged for `target`. It opens no ticket, and it closes none either."""

    target: str
    why: str


Finding = Violation | Unseen


@dataclass(frozen=True, slots=True)
class Invariant:
    """A rule over observations.

    `check` reads one observation and nothing else: no network, no clock, no memory. It yields a finding for each
    target for which the rule is broken or could not be judged; for every other target the rule holds.

    `open_after_s`: how long a target must be broken before a ticket opens; 0 opens one at the first sight.
    `close_after_s`: how long it must hold again before the ticket is resolved.
    """

    name: str
    title: str
    check: Callable[[Observation], Iterable[Finding]]
    open_after_s: float = 0.0
    close_after_s: float = 3.0
