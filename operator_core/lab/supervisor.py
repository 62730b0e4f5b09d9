"""One service: its process, its state, and what it may be told.

The process is the truth: its death, and a SIGSTOP or SIGCONT from whomever, are noticed as the kernel reports them. It
is never started again by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from operator_core.events import ServiceChanged, ServiceState
from operator_core.lab import records
from operator_core.lab.logs import last_lines
from operator_core.lab.ports import taken
from operator_core.lab.ready import until_ready
from operator_core.lab.spawn import how_it_ended, spawn
from operator_core.lab.wire import ServiceRow
from operator_core.output import Emit
from operator_protocols import Address, Endpoints, LabError, Service

SIGNAL_WITHIN_S = 2.0
LINES_OF_A_FAILURE = 3


@dataclass(frozen=True, slots=True)
class Home:
    """Where a service lives: its folder, its log, the folder of process records, its environment, the lab's run."""

    data_dir: Path
    log: Path
    processes: Path
    env: Mapping[str, str]
    run: str


@dataclass(frozen=True, slots=True)
class _Wiring:
    endpoints: Endpoints
    data_dir: Path


class Supervisor:
    def __init__(self, service: Service, endpoints: Endpoints, home: Home, emit: Emit) -> None:
        self.service = service
        self.state: ServiceState = "stopped"
        self._endpoints = endpoints
        self._ports: Mapping[str, Address] = endpoints[service.name].ports
        self._home = home
        self._emit = emit
        self._one_start = asyncio.Lock()
        self._running: _Running | None = None
        self._last_exit = ""

    @property
    def name(self) -> str:
        return self.service.name

    def row(self) -> ServiceRow:
        running = self._running
        return ServiceRow(
            name=self.name,
            role=self.service.role,
            title=self.service.title,
            state=self.state,
            pid=running.pid if running else None,
            uptime_s=time.monotonic() - running.since if running else None,
            ports={port: str(address) for port, address in self._ports.items()},
            last_exit=self._last_exit,
        )

    async def start(self, by: str) -> bool:
        """Come back once it is ready. False if it ran already; `LabError` if it does not become ready, or its ports
        are taken, and then nothing of it is left."""
        async with self._one_start:
            if self._running:
                return False
            running = await self._launch(by)
            try:
                await self._become_ready(running, by)
            except LabError:
                await self._kill(running)
                raise
            return True

    async def stop(self, by: str) -> bool:
        """SIGTERM, and SIGKILL after its grace. False if it did not run."""
        if (running := self._running) is None:
            return False
        running.told("stopped", by)
        with contextlib.suppress(ProcessLookupError):
            os.kill(running.pid, signal.SIGTERM)
        records.kill_group(running.pid, signal.SIGCONT)  # a paused process would not hear of it
        try:
            async with asyncio.timeout(self.service.stop_grace_s):
                await running.ended.wait()
        except TimeoutError:
            await self._kill(running)
        return True

    async def kill(self, by: str) -> bool:
        """SIGKILL to its process group. False if it did not run."""
        if (running := self._running) is None:
            return False
        running.told("died", by)
        await self._kill(running)
        return True

    async def pause(self, by: str) -> bool:
        """SIGSTOP. False if it was paused already; `LabError` if it does not run."""
        return await self._halt(True, by)

    async def resume(self, by: str) -> bool:
        """SIGCONT. False if it was not paused."""
        return await self._halt(False, by) if self._running else False

    def look(self) -> None:
        """Notice whether it was paused or resumed. To be called at each SIGCHLD."""
        running = self._running
        if running is None or running.paused == (now := running.is_paused()):
            return
        running.paused = now
        if now:
            running.before_pause = self.state
        self._become("paused" if now else running.before_pause, running.by, "")
        running.by = ""

    async def _halt(self, pause: bool, by: str) -> bool:
        if (running := self._running) is None:
            raise LabError(f"{self.name} is not running.")
        self.look()
        if running.paused == pause:
            return False
        running.by = by
        records.kill_group(running.pid, signal.SIGSTOP if pause else signal.SIGCONT)
        try:
            async with asyncio.timeout(SIGNAL_WITHIN_S):
                while running.paused != pause:
                    await asyncio.sleep(0.005)  # a stop takes effect when the process is next scheduled
                    if running.ended.is_set():
                        raise LabError(f"{self.name} ended meanwhile: {self._last_exit}.")
                    self.look()
        except TimeoutError:
            raise LabError(f"{self.name} did not take the signal within {SIGNAL_WITHIN_S:g} s.") from None
        return True

    async def _launch(self, by: str) -> _Running:
        for address in self._ports.values():
            if taken(address):
                self._fail(by, f"its port {address} is taken by another process")
        try:
            argv = list(self.service.command(_Wiring(self._endpoints, self._home.data_dir)))
            with self._home.log.open("ab") as log:
                process = await spawn(
                    argv,
                    env={**self._home.env, **self.service.env},
                    cwd=self._home.data_dir,
                    stdout=log.fileno(),
                    stderr=log.fileno(),
                )
        except (OSError, LabError) as error:
            self._fail(by, str(error))
        running = self._running = _Running(process)
        running.record = records.record(self._home.processes, self.name, process.pid, argv, self._home.run)
        running.watch = asyncio.create_task(self._until_it_ends(running), name=f"watch {self.name}")
        self._become("starting", by, "")
        return running

    def _fail(self, by: str, why: str) -> None:
        self._become("failed", by, why)
        raise LabError(f"{self.name} cannot start: {why}.")

    async def _become_ready(self, running: _Running, by: str) -> None:
        ready = self.service.ready
        why = "it does not listen"

        def not_yet(reason: str) -> None:
            nonlocal why
            why = reason

        looking = asyncio.create_task(until_ready(ready, self._ports[ready.port], not_yet))
        ending = asyncio.create_task(running.ended.wait())
        try:
            await asyncio.wait({looking, ending}, timeout=ready.within_s, return_when=asyncio.FIRST_COMPLETED)
            if running.ended.is_set():
                raise LabError(f"{self.name} ended while it started: {self._last_words(self._last_exit)}.")
            if not looking.done():
                running.told("failed", by, f"not ready within {ready.within_s:g} s: {why}")
                raise LabError(f"{self.name} is not ready within {ready.within_s:g} s: {self._last_words(why)}.")
            looking.result()
        finally:
            looking.cancel()
            ending.cancel()
            await asyncio.gather(looking, ending, return_exceptions=True)
        if running.paused:
            running.before_pause = "up"
        else:
            self._become("up", by, "")

    async def _until_it_ends(self, running: _Running) -> None:
        returncode = await running.process.wait()
        records.kill_group(running.pid)  # what it may have left
        if running.record is not None:
            running.record.unlink(missing_ok=True)
        self._running = None
        self._last_exit = how_it_ended(returncode)
        starting = self.state == "starting"
        state, by, detail = running.asked or ("failed" if starting else "died", "", "")
        detail = "; ".join(part for part in (detail, self._last_exit) if part)
        self._become(state, by, self._last_words(detail) if state == "failed" else detail)
        running.ended.set()

    async def _kill(self, running: _Running) -> None:
        records.kill_group(running.pid)
        await running.ended.wait()

    def _last_words(self, what: str) -> str:
        lines = [line.strip() for line in last_lines(self._home.log, LINES_OF_A_FAILURE)]
        return ": ".join([what, " / ".join(lines)]) if lines else what

    def _become(self, state: ServiceState, by: str, detail: str) -> None:
        self.state = state
        self._emit(
            ServiceChanged(
                name=self.name,
                role=self.service.role,
                state=state,
                pid=self._running.pid if self._running else None,
                ports={port: str(address) for port, address in self._ports.items()},
                by=by,
                detail=detail,
            )
        )


class _Running:
    """A life of a service, from its start to its end."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.pid = process.pid
        self.since = time.monotonic()
        self.ended = asyncio.Event()
        self.record: Path | None = None
        self.watch: asyncio.Task[None] | None = None
        self.asked: tuple[ServiceState, str, str] | None = None
        self.paused = False
        self.before_pause: ServiceState = "up"
        self.by = ""
        """Who asked for the signal that is under way."""

    def told(self, state: ServiceState, by: str, detail: str = "") -> None:
        """It is being ended: the state that this will be, who asked for it, and why. The first to ask counts."""
        if self.asked is None:
            self.asked = (state, by, detail)

    def is_paused(self) -> bool:
        try:
            return psutil.Process(self.pid).status() == psutil.STATUS_STOPPED
        except psutil.NoSuchProcess:
            return False


class Aside:
    """A process beside the services, which `ps` does not list: what a fault spawned."""

    def __init__(self, name: str, home: Home) -> None:
        self.name = name
        self._home = home
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, argv: Sequence[str]) -> int:
        """Gives its pid. `LabError` if it runs already, or cannot be started."""
        if self._process and self._process.returncode is None:
            raise LabError(f"{self.name} runs already.")
        try:
            with self._home.log.open("ab") as log:
                output = log.fileno()
                self._process = await spawn(
                    argv, env=self._home.env, cwd=self._home.data_dir, stdout=output, stderr=output
                )
        except OSError as error:
            raise LabError(f"{self.name} cannot start: {error}.") from error
        records.record(self._home.processes, self.name, self._process.pid, list(argv), self._home.run)
        return self._process.pid

    async def end(self) -> None:
        """Kill it, if it still runs."""
        if self._process and self._process.returncode is None:
            records.kill_group(self._process.pid)
            await self._process.wait()
        (self._home.processes / f"{self.name}.json").unlink(missing_ok=True)
