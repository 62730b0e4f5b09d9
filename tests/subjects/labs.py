"""A real lab for tests: the subject's services in real processes, and its observer to look at them."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Collection
from pathlib import Path

from operator_core.lab.environment import lab_environment
from operator_core.lab.lab import FaultsHands, Lab
from operator_core.paths import StateDir
from operator_protocols import Finding, LabControl, Observation, Observer, Subject, Unseen, Violation

LOOK_EVERY_S = 0.1
TIMEOUT_S = 0.8

Where = tuple[str, str]
"""An invariant's name and a target."""


class Watched:
    """`control` is what a fault gets."""

    def __init__(self, subject: Subject, control: LabControl, observer: Observer) -> None:
        self.subject = subject
        self.control = control
        self.observer = observer
        self.seen: Observation | None = None

    async def look(self) -> dict[Where, Finding]:
        self.seen = await self.observer.observe()
        return {
            (invariant.name, finding.target): finding
            for invariant in self.subject.invariants
            for finding in invariant.check(self.seen)
        }

    async def broken(self) -> set[Where]:
        return {where for where, finding in (await self.look()).items() if isinstance(finding, Violation)}

    async def unseen(self) -> set[Where]:
        return {where for where, finding in (await self.look()).items() if isinstance(finding, Unseen)}

    async def until_broken(self, names: Collection[str], within_s: float = 15.0) -> set[Where]:
        """Look until invariants of all these names are broken at once; gives what is broken then."""
        clock = asyncio.get_running_loop().time
        ends, seen = clock() + within_s, set[str]()
        while True:
            broken = await self.broken()
            seen |= {name for name, _ in broken}
            if set(names) <= {name for name, _ in broken}:
                return broken
            assert clock() < ends, f"{set(names) - seen} did not break within {within_s:g} s, only {seen}"
            await asyncio.sleep(LOOK_EVERY_S)

    async def until_whole(self, within_s: float = 20.0, looks: int = 3, judged: bool = False) -> None:
        """Look until nothing is broken, so many times in a row; with `judged`, until nothing is unseen either."""
        clock = asyncio.get_running_loop().time
        ends, in_a_row = clock() + within_s, 0
        while in_a_row < looks:
            found = await self.look()
            bad = found if judged else {where: f for where, f in found.items() if isinstance(f, Violation)}
            in_a_row = 0 if bad else in_a_row + 1
            assert clock() < ends, f"not whole within {within_s:g} s: {list(bad.values())}"
            await asyncio.sleep(LOOK_EVERY_S)


@contextlib.asynccontextmanager
async def running_lab(subject: Subject, folder: Path) -> AsyncIterator[Watched]:
    state = StateDir.of(subject.name, folder)
    run = secrets.token_hex(8)
    lab = Lab(subject.services({}), state, run, lab_environment(state, subject.name, run), emit=lambda event: None)
    try:
        await lab.open()
        observer = await subject.observer(lab.endpoints, TIMEOUT_S)
        try:
            yield Watched(subject, FaultsHands(lab, "a test"), observer)
        finally:
            await observer.aclose()
    finally:
        await lab.close()


class Labs:
    """One lab at a time: that of the subject that was asked for last. For a fixture of module scope."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._name = ""
        self._lab: Watched
        self._stack = contextlib.AsyncExitStack()

    async def of(self, subject: Subject) -> Watched:
        if subject.name != self._name:
            await self.aclose()
            self._lab = await self._stack.enter_async_context(running_lab(subject, self._folder))
            self._name = subject.name
        return self._lab

    async def aclose(self) -> None:
        await self._stack.aclose()
        self._name = ""
