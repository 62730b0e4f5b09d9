"""What the lab's server and its clients tell each other, and what the lab leaves on disk for them to find."""

from __future__ import annotations

import msgspec

from operator_core.events import ServiceState
from operator_protocols import Address, Endpoint, Endpoints


class LabFile(msgspec.Struct, frozen=True):
    """StateDir.lab_file: the lab that is ready here. `started` as psutil's `create_time`; `sandbox` is a sentence."""

    class Service(msgspec.Struct, frozen=True):
        name: str
        role: str
        title: str
        ports: dict[str, Address]

    pid: int
    started: float
    socket: str
    subject: str
    deployment: str
    sandbox: str
    services: list[Service]

    @property
    def endpoints(self) -> Endpoints:
        return Endpoints(tuple(Endpoint(each.name, each.role, each.ports) for each in self.services))


class ServiceRow(msgspec.Struct, frozen=True):
    """A line of `ps`. `uptime_s` is None for what does not run; `last_exit` tells how it ended the last time."""

    name: str
    role: str
    title: str
    state: ServiceState
    pid: int | None
    uptime_s: float | None
    ports: dict[str, str]
    last_exit: str


class FaultRow(msgspec.Struct, frozen=True):
    """A fault of the subject; `targets` are those that it is injected into now."""

    name: str
    says: str
    looks_like: str
    undone_by: str
    breaks: list[str]
    limit_s: float
    targets: list[str]


class ExecEnd(msgspec.Struct, frozen=True):
    """How a command ended. `exit_status` is None if it was ended, and `ended_by` says by what; as in a shell, 128 and
    the number of the signal if one ended it from elsewhere."""

    exit_status: int | None
    seconds: float
    ended_by: str = ""
