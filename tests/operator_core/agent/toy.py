"""The smallest subject: its ticket's words say what its playbook runs."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence

from operator_protocols import (
    Conclusion,
    Endpoints,
    Fault,
    Invariant,
    Observer,
    Playbook,
    Result,
    Run,
    Service,
    TicketBrief,
)


def _playbook(ticket: TicketBrief) -> Generator[Run, Result, Conclusion]:
    verb, _, text = ticket.summary.partition(": ")
    result = yield Run(text if verb == "run" else f"echo {text}", "As the ticket says.")
    return Conclusion("It was looked at.", f"The command said {result.output!r}.")


class Toy:
    name = "toy"
    title = "a toy"
    invariants: Sequence[Invariant] = ()
    faults: Sequence[Fault] = ()

    @property
    def playbook(self) -> Playbook:
        return _playbook

    def services(self, options: Mapping[str, str]) -> Sequence[Service]:
        return ()

    def reads(self, words: Sequence[str]) -> bool:
        return False

    def briefing(self, endpoints: Endpoints) -> str:
        return "The toy."

    async def observer(self, endpoints: Endpoints, timeout_s: float) -> Observer:
        raise NotImplementedError


SUBJECT = Toy()
