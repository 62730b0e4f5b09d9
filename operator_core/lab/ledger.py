"""The faults that are injected: written down before they are, and taken back however the lab ends.

A fault is undone by `heal`, by its time limit, at the end of the lab, and after a crash when the next lab starts.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from operator_core.errors import UserError
from operator_core.events import FaultFailed, FaultInjected, FaultUndone
from operator_core.lab.wire import FaultRow
from operator_core.output import Emit
from operator_core.processes import write_atomically
from operator_protocols import Fault, LabControl, Plan

STEP_WITHIN_S = 15.0
"""What planning, injecting or undoing may take each: a fault that hangs must not hold the others."""
AT_THE_END_WITHIN_S = 4.0
"""What an undo may take when the lab is ending; what it leaves undone is undone at the next start."""

Phase = Literal["plan", "inject", "undo"]
T = TypeVar("T")


class FaultRecord(msgspec.Struct, frozen=True):
    """StateDir.faults/FAULT@TARGET.json: what the undo has to know."""

    fault: str
    target: str
    says: str
    record: dict[str, Any]

    @property
    def plan(self) -> Plan:
        return Plan(self.target, self.says, self.record)


class Ledger:
    """`control(by)` gives a fault the lab to handle; `rng` chooses targets."""

    def __init__(
        self,
        faults: Sequence[Fault],
        control: Callable[[str], LabControl],
        folder: Path,
        rng: random.Random,
        emit: Emit,
    ) -> None:
        self._faults = {fault.name: fault for fault in faults}
        self._control = control
        self._folder = folder
        self._rng = rng
        self._emit = emit
        self._active: dict[str, FaultRecord] = {}
        self._limits: dict[str, asyncio.Task[None]] = {}
        self._one_at_a_time = asyncio.Lock()

    def rows(self) -> list[FaultRow]:
        return [
            FaultRow(
                fault.name,
                fault.says,
                fault.looks_like,
                fault.undone_by,
                list(fault.breaks),
                fault.limit_s,
                [active.target for active in self._active.values() if active.fault == fault.name],
            )
            for fault in self._faults.values()
        ]

    async def inject(self, name: str) -> str:
        """Choose a target, write the undo record, inject; gives what happens, as a sentence."""
        fault = self._faults.get(name)
        if fault is None:
            raise UserError(f"There is no fault {name!r}; choose one of: {', '.join(self._faults)}.")
        lab = self._control(f"fault {name}")
        async with self._one_at_a_time:
            plan = await self._step("plan", name, "", fault.plan(lab, self._rng))
            if (other := self._active.get(plan.target)) is not None:
                raise UserError(f"{other.fault} is injected into {plan.target} already; heal it first.")
            active = FaultRecord(name, plan.target, plan.says, plan.record)
            write_atomically(self._file(active), msgspec.json.encode(active), durable=True)
            self._active[plan.target] = active
            try:
                await self._step("inject", name, plan.target, fault.inject(lab, plan))
            except UserError:
                await self._undo(active)
                raise
            self._emit(FaultInjected(fault=name, target=plan.target, says=plan.says, limit_s=fault.limit_s))
            self._limits[plan.target] = asyncio.create_task(self._at_its_limit(active, fault.limit_s))
        return plan.says

    async def heal(self, by: str = "heal", within_s: float = STEP_WITHIN_S) -> list[str]:
        """Undo every fault; gives which, as "kill-node on node-2". `UserError` if one could not be undone, after
        the others were."""
        healed: list[str] = []
        failed: list[str] = []
        async with self._one_at_a_time:
            for active in list(self._active.values()):
                try:
                    await self._undo(active, within_s)
                except UserError as error:
                    failed.append(str(error))
                else:
                    self._say_undone(active, by)
                    healed.append(f"{active.fault} on {active.target}")
        if failed:
            raise UserError(" ".join(failed))
        return healed

    async def recover(self) -> None:
        """Undo what a lab that crashed left injected. To be called when the services are ready. What cannot be undone
        stays on record; a record of a fault that there is no more is dropped, and that is said."""
        for file in sorted(self._folder.glob("*.json")):
            try:
                left = msgspec.json.decode(file.read_bytes(), type=FaultRecord)
            except msgspec.DecodeError as error:
                self._emit(FaultFailed(fault=file.stem, target="", phase="undo", error=f"dropped: {error}"))
                file.unlink()
                continue
            if left.fault not in self._faults:
                why = "dropped: the subject has no such fault any more"
                self._emit(FaultFailed(fault=left.fault, target=left.target, phase="undo", error=why))
                file.unlink()
                continue
            self._active[left.target] = left
        for left in list(self._active.values()):
            try:
                await self._undo(left)
            except UserError:
                continue  # said as an event; `heal` can try again
            self._say_undone(left, "start-up")

    async def close(self) -> None:
        """Undo everything at the end of the lab. What fails is said as an event, and stays on record."""
        for limit in self._limits.values():
            limit.cancel()
        await asyncio.gather(*self._limits.values(), return_exceptions=True)
        try:
            await self.heal(within_s=AT_THE_END_WITHIN_S)
        except UserError:
            return

    async def _at_its_limit(self, active: FaultRecord, limit_s: float) -> None:
        await asyncio.sleep(limit_s)
        async with self._one_at_a_time:
            if self._active.get(active.target) is active:
                try:
                    await self._undo(active)
                except UserError:
                    return  # said as an event; `heal` can try again
                self._say_undone(active, "time limit")

    async def _undo(self, active: FaultRecord, within_s: float = STEP_WITHIN_S) -> None:
        fault, plan = self._faults[active.fault], active.plan
        control = self._control(f"the end of fault {fault.name}")
        await self._step("undo", fault.name, plan.target, fault.undo(control, plan), within_s)
        self._file(active).unlink(missing_ok=True)
        del self._active[active.target]
        limit = self._limits.pop(active.target, None)
        if limit is not None and limit is not asyncio.current_task():
            limit.cancel()

    def _say_undone(self, active: FaultRecord, by: str) -> None:
        self._emit(FaultUndone(fault=active.fault, target=active.target, by=by))

    async def _step(
        self, phase: Phase, fault: str, target: str, step: Awaitable[T], within_s: float = STEP_WITHIN_S
    ) -> T:
        """Do it in time. Whatever goes wrong is said as an event and becomes a `UserError`."""
        try:
            async with asyncio.timeout(within_s):
                return await step
        except Exception as error:  # a subject's code may raise anything
            why = f"it took longer than {within_s:g} s" if isinstance(error, TimeoutError) else str(error)
            why = why.rstrip(".") or type(error).__name__
            self._emit(FaultFailed(fault=fault, target=target, phase=phase, error=why))
            on = f" on {target}" if target else ""
            raise UserError(f"{fault}{on}: the {phase} failed: {why}.") from error

    def _file(self, active: FaultRecord) -> Path:
        return self._folder / (re.sub(r"[^\w.@-]", "_", f"{active.fault}@{active.target}") + ".json")
