"""The lab as `lab ps` lists it."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ADDRESS = re.compile(r"(?:(?P<port>[\w-]+)[= ])?(?P<address>[\w.-]+:\d+)(?=[\s,]|$)")
_STATES = ("starting", "up", "paused", "stopped", "died", "failed")


@dataclass(frozen=True, slots=True)
class Part:
    """A service: `state` as the lab says, `addresses` by port name, `last_exit` how it last ended."""

    name: str
    role: str
    state: str
    pid: int | None
    addresses: dict[str, str]
    last_exit: str = ""


@dataclass(frozen=True, slots=True)
class Cluster:
    parts: tuple[Part, ...]

    @classmethod
    def read(cls, listing: str) -> Cluster:
        """The services of a listing, in its order; lines that are none are passed over."""
        parts = []
        for line in listing.splitlines():
            words = line.split()
            state = next((word for word in words if word in _STATES), None)
            if state is None or len(words) < 3:
                continue
            addresses = {match["port"] or "": match["address"] for match in _ADDRESS.finditer(line)}
            pid = next((int(word) for word in words if word.isdecimal()), None)
            last = re.split(r"\s{2,}", line.strip())[-1]
            parts.append(Part(words[0], words[1], state, pid, addresses, "" if last == "-" else last))
        return cls(tuple(parts))

    def role(self, role: str) -> tuple[Part, ...]:
        return tuple(part for part in self.parts if part.role == role)

    @property
    def nodes(self) -> dict[str, str]:
        """The HTTP address of each node."""
        return {node.name: node.addresses["http"] for node in self.role("node") if "http" in node.addresses}

    def address(self, role: str, port: str) -> str | None:
        return next((part.addresses.get(port) for part in self.role(role)), None)
