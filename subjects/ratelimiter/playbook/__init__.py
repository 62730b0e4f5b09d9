"""How the scripted agent finds and repairs failures of the rate limiter."""

from __future__ import annotations

from collections.abc import Generator

from operator_protocols import Conclusion, Result, Run, TicketBrief


def playbook(ticket: TicketBrief) -> Generator[Run, Result, Conclusion]:
    yield Run("lab ps", "See which services run.")
    return Conclusion("", "", escalate=True)
