"""The lab's process: it owns the services, and does what people, faults and the agent ask of it over its socket."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import secrets
import shutil
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from operator_core import control
from operator_core.control import SendChunk
from operator_core.daemon import Daemon, socket_folder
from operator_core.errors import UserError
from operator_core.events import LabReady, LabStarting, LabStopped, Logged
from operator_core.lab import records, shell
from operator_core.lab.environment import RUN, curl_is_missing, lab_environment
from operator_core.lab.lab import FaultsHands, Lab
from operator_core.lab.ledger import Ledger
from operator_core.lab.supervisor import Supervisor
from operator_core.lab.wire import ExecEnd, FaultRow, LabFile, ServiceRow
from operator_core.lock import only_one
from operator_core.paths import StateDir
from operator_core.processes import identify, write_atomically
from operator_protocols import LabError, Service, Subject

SANDBOX = "no sandbox: services and commands run on this machine, as the user who started the lab"
EXEC_LIMIT_S = 120.0
PEOPLE = "operator lab"
AGENT = "agent"


async def run_lab(
    daemon: Daemon, state: StateDir, subject: Subject, given_as: str, options: Mapping[str, str], seed: int | None
) -> None:
    """Start the lab and serve it until the daemon is told to end; leave nothing behind. `given_as` is what --subject
    said, for the commands in the lab's shell. `UserError` for bad options, and where a lab runs already; `LabError`
    where a service does not become ready."""
    try:
        services = subject.services(options)
    except ValueError as error:
        raise UserError(str(error)) from error
    with only_one(state.lab_lock, "A lab runs here already (pid {pid}); end it first with: operator lab down"):
        daemon.emit(
            LabStarting(subject=subject.name, deployment="processes", sandbox=SANDBOX, state_dir=str(state.root))
        )
        forget_last_lab(state)
        await LabServer(daemon, state, subject, services, given_as, random.Random(seed)).run()


def forget_last_lab(state: StateDir) -> list[str]:
    """End what a lab that crashed left running, and drop its file; gives the names of the processes. For whoever
    holds the lab's lock, or knows that no lab runs."""
    with contextlib.suppress(FileNotFoundError, msgspec.DecodeError):
        left = msgspec.json.decode(state.lab_file.read_bytes(), type=LabFile)
        shutil.rmtree(Path(left.socket).parent, ignore_errors=True)
    state.lab_file.unlink(missing_ok=True)
    return records.reap(state.processes)


class LabServer:
    def __init__(
        self,
        daemon: Daemon,
        state: StateDir,
        subject: Subject,
        services: Sequence[Service],
        given_as: str,
        rng: random.Random,
    ) -> None:
        self._daemon = daemon
        self._state = state
        self._subject = subject
        self._services = services
        run = secrets.token_hex(8)
        self._env = lab_environment(state, given_as, run)
        self._lab = Lab(services, state, run, self._env, daemon.emit)
        self._ledger = Ledger(subject.faults, lambda by: FaultsHands(self._lab, by), state.faults, rng, daemon.emit)
        self._works: set[asyncio.Task[Any]] = set()

    async def run(self) -> None:
        """Until cancelled. `LabError` if a service does not become ready."""
        began = time.monotonic()
        reason = ""
        try:
            await self._lab.open()
            await self._ledger.recover()
            with socket_folder() as folder:
                socket = folder / "control"
                async with control.serve(socket, self._answer):
                    write_atomically(self._state.lab_file, msgspec.json.encode(self._as_file(socket)))
                    self._daemon.emit(LabReady(seconds=time.monotonic() - began))
                    if curl_is_missing():
                        said = "curl is not installed; the agent's shell has a small stand-in for it"
                        self._daemon.emit(Logged(source="lab", level="warning", message=said))
                    await asyncio.Event().wait()
        except LabError as error:
            reason = str(error)
            raise
        finally:
            self._state.lab_file.unlink(missing_ok=True)
            for work in self._works:
                work.cancel()
            await asyncio.gather(*self._works, return_exceptions=True)
            await self._ledger.close()
            await self._lab.close()
            self._daemon.emit(LabStopped(reason=self._daemon.reason or reason or "an error"))

    def _as_file(self, socket: Path) -> LabFile:
        me = identify(os.getpid())
        assert me is not None
        endpoints = self._lab.endpoints
        return LabFile(
            pid=me.pid,
            started=me.started,
            socket=str(socket),
            subject=self._subject.name,
            deployment="processes",
            sandbox=SANDBOX,
            services=[
                LabFile.Service(each.name, each.role, each.title, dict(endpoints[each.name].ports))
                for each in self._services
            ],
        )

    # -- what can be asked

    async def _answer(self, verb: str, arguments: dict[str, Any], send: SendChunk) -> Any:
        by = str(arguments.pop("by", PEOPLE))
        verbs: dict[str, Callable[..., Awaitable[Any]]] = {
            "ps": self._ps,
            "exec": lambda **given: self._exec(send, by, **given),
            "start": lambda name: self._to_the_end(self._start(name, by)),
            "stop": lambda name: self._to_the_end(self._stop(name, by)),
            "restart": lambda name: self._to_the_end(self._restart(name, by)),
            "kill": lambda name: self._to_the_end(self._kill(name, by)),
            "pause": lambda name: self._to_the_end(self._pause(name, by)),
            "resume": lambda name: self._to_the_end(self._resume(name, by)),
        }
        for_people: dict[str, Callable[..., Awaitable[Any]]] = {
            "faults": self._faults,
            "inject": lambda fault: self._to_the_end(self._ledger.inject(fault)),
            "heal": lambda: self._to_the_end(self._ledger.heal()),
            "down": lambda: self._down(by),
        }
        if verb in for_people and by == AGENT:
            raise UserError(
                f"{verb!r} is for people: an agent neither breaks a lab nor ends it, nor is told how it was broken."
            )
        work = (verbs | for_people).get(verb)
        if work is None:
            raise UserError(f"A lab does not know the word {verb!r}.")
        try:
            return await work(**arguments)
        except LabError as error:
            raise UserError(str(error)) from error

    async def _to_the_end(self, work: Coroutine[Any, Any, Any]) -> Any:
        """What changes the lab is not left half done when the one who asked hangs up."""
        task = asyncio.create_task(work)
        self._works.add(task)
        task.add_done_callback(self._works.discard)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())  # or it would be called unheard
        return await asyncio.shield(task)

    async def _ps(self) -> list[ServiceRow]:
        return self._lab.rows()

    async def _faults(self) -> list[FaultRow]:
        return self._ledger.rows()

    async def _exec(
        self, send: SendChunk, by: str, command: str, cwd: str = "", limit_s: float = EXEC_LIMIT_S
    ) -> ExecEnd:
        work = self._state.lab / "work"
        work.mkdir(exist_ok=True)
        folder = Path(cwd) if cwd else work
        if not folder.is_dir():
            raise UserError(f"There is no folder {folder}.")
        try:
            return await shell.execute(
                command,
                cwd=folder,
                env={**self._env, "OPERATOR_ACTOR": by},
                limit_s=limit_s,
                processes=self._state.processes,
                run=self._env[RUN],
                send=send,
            )
        except OSError as error:
            raise UserError(f"The command could not be started: {error}.") from error

    async def _start(self, name: str, by: str) -> str:
        self._known(name)
        if await self._lab.start(name, by):
            return f"{name} is up."
        paused = self._lab[name].state == "paused"
        return f"{name} is paused; let it run on with: lab resume {name}" if paused else f"{name} runs already."

    async def _stop(self, name: str, by: str) -> str:
        return f"{name} is stopped." if await self._known(name).stop(by) else f"{name} was not running."

    async def _restart(self, name: str, by: str) -> str:
        self._known(name)
        await self._lab.restart(name, by)
        return f"{name} was started anew and is up."

    async def _kill(self, name: str, by: str) -> str:
        return f"{name} is killed." if await self._known(name).kill(by) else f"{name} was not running."

    async def _pause(self, name: str, by: str) -> str:
        return f"{name} is paused." if await self._known(name).pause(by) else f"{name} was paused already."

    async def _resume(self, name: str, by: str) -> str:
        return f"{name} runs on." if await self._known(name).resume(by) else f"{name} was not paused."

    async def _down(self, by: str) -> str:
        self._daemon.end(f"{by} down")
        return "The lab ends."

    def _known(self, name: str) -> Supervisor:
        if name not in self._lab.names():
            raise UserError(f"There is no service {name!r}; the lab has: {', '.join(self._lab.names())}.")
        return self._lab[name]
