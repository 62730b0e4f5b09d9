"""Loopback ports for services."""

from __future__ import annotations

import contextlib
import random
import socket
from pathlib import Path

from operator_core.errors import UserError
from operator_protocols import Address

HOST = "127.0.0.1"
LOWEST = 15_000
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
EPHEMERAL_FROM = 32_768


def choose_ports(count: int) -> list[Address]:
    """Free ports, below those that the system gives to outgoing connections: a service that is down for a while must
    find its port free when it comes back."""
    candidates = list(range(LOWEST, max(_ephemeral_from(), LOWEST + 1000)))
    random.shuffle(candidates)
    chosen: list[Address] = []
    for port in candidates:
        if len(chosen) == count:
            return chosen
        if not taken(address := Address(HOST, port)):
            chosen.append(address)
    raise UserError(f"There are not {count} free ports on {HOST} from {LOWEST} on; end what holds them.")


def taken(address: Address) -> bool:
    """Whether another process listens there, or nobody may."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
        except OSError:
            return True
    return False


def _ephemeral_from() -> int:
    with contextlib.suppress(FileNotFoundError):
        return int(EPHEMERAL.read_text().split()[0])
    return EPHEMERAL_FROM
