"""A running lab: all its services, started and stopped in the order that they need."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from operator_core.errors import UserError
from operator_core.lab import records
from operator_core.lab.logs import keep_small, set_aside
from operator_core.lab.ports import choose_ports
from operator_core.lab.supervisor import Aside, Home, Supervisor
from operator_core.lab.wire import ServiceRow
from operator_core.output import Emit
from operator_core.paths import StateDir
from operator_protocols import Endpoint, Endpoints, LabError, Service


class Lab:
    """`run` is the mark that every process of it bears (`environment.RUN`) and `env` the environment they get."""

    def __init__(
        self, services: Sequence[Service], state: StateDir, run: str, env: Mapping[str, str], emit: Emit
    ) -> None:
        check(services)
        self.endpoints = wire_up(services)
        self.run = run
        self._state = state
        self._env = env
        self._services = {
            service.name: Supervisor(service, self.endpoints, self._home(service.name), emit) for service in services
        }
        self._asides: dict[str, Aside] = {}
        self._closing = False
        self._log_keeper: asyncio.Task[None] | None = None

    def __getitem__(self, name: str) -> Supervisor:
        return self._services[name]

    def names(self) -> list[str]:
        return list(self._services)

    def rows(self) -> list[ServiceRow]:
        return [service.row() for service in self._services.values()]

    async def open(self) -> None:
        """Start every service as soon as those it needs are ready. `LabError` with the first failure: `close` has to
        be called then, too."""
        logs = [self._home(name).log for name in self._services]
        for log in logs:
            set_aside(log)
        self._log_keeper = asyncio.create_task(keep_small(logs))
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, self._look)
        await _in_order(
            {name: service.service.after for name, service in self._services.items()},
            lambda name: self.start(name, "lab"),
        )

    async def close(self) -> None:
        """Stop everything, those first that others do not need. Leaves no process behind."""
        self._closing = True
        asyncio.get_running_loop().remove_signal_handler(signal.SIGCHLD)
        if self._log_keeper is not None:
            self._log_keeper.cancel()
        for aside in self._asides.values():
            await aside.end()
        needed_by: dict[str, list[str]] = {name: [] for name in self._services}
        for name, service in self._services.items():
            for other in service.service.after:
                needed_by[other].append(name)
        await _in_order(needed_by, lambda name: self._services[name].stop("lab"))
        records.sweep({self.run})

    async def start(self, name: str, by: str) -> bool:
        """As `Supervisor.start`. A lab that is closing starts nothing any more, whoever asks."""
        service = self._services[name]
        return False if self._closing else await service.start(by)

    async def restart(self, name: str, by: str) -> None:
        await self._services[name].stop(by)
        await self.start(name, by)

    async def spawn(self, name: str, argv: Sequence[str]) -> int:
        if name in self._services:
            raise LabError(f"{name} is the name of a service.")
        if self._closing:
            raise LabError("The lab is closing.")
        aside = self._asides.setdefault(name, Aside(name, self._home(name)))
        return await aside.start(argv)

    async def end(self, name: str) -> None:
        if name in self._asides:
            await self._asides[name].end()

    def _look(self) -> None:
        for service in self._services.values():
            service.look()

    def _home(self, name: str) -> Home:
        data = self._state.data / name
        data.mkdir(exist_ok=True)
        return Home(data, self._state.logs / f"{name}.log", self._state.processes, self._env, self.run)


class FaultsHands:
    """The lab as a fault may handle it (`LabControl`); what happens is said to be `by` that fault."""

    def __init__(self, lab: Lab, by: str) -> None:
        self._lab = lab
        self._by = by

    @property
    def endpoints(self) -> Endpoints:
        return self._lab.endpoints

    def running(self, name: str) -> bool:
        return self._lab[name].state == "up"

    async def start(self, name: str) -> None:
        await self._lab.start(name, self._by)

    async def stop(self, name: str) -> None:
        await self._lab[name].stop(self._by)

    async def kill(self, name: str) -> None:
        await self._lab[name].kill(self._by)

    async def pause(self, name: str) -> None:
        await self._lab[name].pause(self._by)

    async def resume(self, name: str) -> None:
        await self._lab[name].resume(self._by)

    async def spawn(self, name: str, argv: Sequence[str]) -> int:
        return await self._lab.spawn(name, argv)

    async def end(self, name: str) -> None:
        await self._lab.end(name)


def check(services: Sequence[Service]) -> None:
    """`UserError` where a subject's services cannot be a lab: a name twice, an unknown one, or a circle."""
    graph = {service.name: service.after for service in services}
    if len(graph) != len(services):
        raise UserError("The subject names two services alike.")
    for name, after in graph.items():
        if unknown := set(after) - graph.keys():
            raise UserError(
                f"The subject's service {name} waits for {', '.join(unknown)}, which is none of its services."
            )
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise UserError(
            f"The subject's services wait for each other in a circle: {', '.join(error.args[1])}."
        ) from error


def wire_up(services: Sequence[Service]) -> Endpoints:
    """Ports for all, chosen once: a service that is started again has those that it had."""
    ports = iter(choose_ports(sum(len(service.ports) for service in services)))
    return Endpoints(
        tuple(
            Endpoint(service.name, service.role, {port: next(ports) for port in service.ports}) for service in services
        )
    )


async def _in_order(after: Mapping[str, Iterable[str]], work: Callable[[str], Awaitable[object]]) -> None:
    """Do the work of each name once that of all it comes after is done; side by side otherwise. The first error ends
    the rest."""
    done = {name: asyncio.Event() for name in after}

    async def one(name: str) -> None:
        for other in after[name]:
            await done[other].wait()
        await work(name)
        done[name].set()

    tasks = [asyncio.create_task(one(name)) for name in after]
    try:
        for task in asyncio.as_completed(tasks):
            await task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
