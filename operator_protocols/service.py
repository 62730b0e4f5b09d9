"""The processes that make up a lab, described before they run and found again afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A service of a running lab and where its ports are, by name ({"http": Address(...)})."""

    name: str
    role: str
    ports: Mapping[str, Address]


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Every service of a running lab. `KeyError` for a name that it does not have."""

    services: tuple[Endpoint, ...]

    def __getitem__(self, name: str) -> Endpoint:
        for service in self.services:
            if service.name == name:
                return service
        raise KeyError(name)

    def by_role(self, role: str) -> tuple[Endpoint, ...]:
        return tuple(service for service in self.services if service.role == role)


class Wiring(Protocol):
    """What a service may know when its command line is made: addresses of the lab, and a folder of its own."""

    @property
    def endpoints(self) -> Endpoints: ...

    @property
    def data_dir(self) -> Path:
        """An existing folder that is the service's alone and outlives its restarts."""
        ...


@dataclass(frozen=True, slots=True)
class Ready:
    """How to tell that a service can be used: its port accepts; and, if given, GET `http_path` answers 2xx, or
    the bytes `send` are answered by something that begins with `expect`."""

    port: str
    http_path: str | None = None
    send: bytes = b""
    expect: bytes = b""
    within_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Service:
    """One process of a lab.

    `ports` are the names of the TCP ports it listens on; the lab chooses the numbers. `after` are the services that
    must be ready first. `command` makes the argument vector. `title` says in a few words what it is.
    A service is asked to stop with SIGTERM and killed after `stop_grace_s`.
    """

    name: str
    role: str
    title: str
    command: Callable[[Wiring], Sequence[str]]
    ports: tuple[str, ...]
    ready: Ready
    after: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    stop_grace_s: float = 3.0
