"""A subject whose whole world is a JSON file that the test writes.

{"broken": {target: summary}, "unseen": {target: why}}; {"fail": text} makes the look fail, {"hang": seconds} slow.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from operator_protocols import (
    Conclusion,
    Endpoints,
    Fault,
    Finding,
    Invariant,
    Level,
    Observation,
    Observer,
    Playbook,
    Service,
    ServiceHealth,
    TicketBrief,
    Unseen,
    Violation,
)


def _check(observation: Observation) -> Iterable[Finding]:
    yield from (Violation(*item) for item in observation.facts.get("broken", {}).items())
    yield from (Unseen(*item) for item in observation.facts.get("unseen", {}).items())


class FileObserver:
    def __init__(self, path: Path) -> None:
        self._path = path

    async def observe(self) -> Observation:
        facts = json.loads(self._path.read_text())
        if "fail" in facts:
            raise RuntimeError(facts["fail"])
        await asyncio.sleep(facts.get("hang", 0))
        level = Level.BAD if facts.get("broken") else Level.OK
        return Observation(datetime.now(UTC), (ServiceHealth("world", "file", level, level),), None, facts)

    async def aclose(self) -> None:
        pass


def _playbook(ticket: TicketBrief):  # type: ignore[no-untyped-def]
    yield from ()
    return Conclusion(ticket.summary, "", escalate=True)


class FileSubject:
    name = "file"
    title = "A file"
    invariants: Sequence[Invariant] = (Invariant("sound", "The file says so", _check, 0.0, 0.4),)
    faults: Sequence[Fault] = ()
    playbook: Playbook = staticmethod(_playbook)

    def services(self, options: Mapping[str, str]) -> Sequence[Service]:
        return ()

    def reads(self, words: Sequence[str]) -> bool:
        return False

    def briefing(self, endpoints: Endpoints) -> str:
        return ""

    async def observer(self, endpoints: Endpoints, timeout_s: float) -> Observer:
        return FileObserver(Path(os.environ["WATCHED_FILE"]))


SUBJECT = FileSubject()
