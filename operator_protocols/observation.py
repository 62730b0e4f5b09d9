"""What a monitor saw of a subject at one moment.

The common part can be drawn by any screen; `facts` is the subject's own and is read by its invariants and its agent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """How a thing is. UNKNOWN means that it could not be seen, which is never the same as OK."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Reading:
    """One labelled value: `Reading("p99", "12 ms")`. The subject formats the text; a screen only places it."""

    label: str
    text: str
    level: Level = Level.OK


@dataclass(frozen=True, slots=True)
class ServiceHealth:
    """One row of the cluster panel. `state` is one word ("up", "down", "hung"); `readings` go from important to not."""

    name: str
    role: str
    level: Level
    state: str
    readings: tuple[Reading, ...] = ()


@dataclass(frozen=True, slots=True)
class Workload:
    """What the subject's clients get. Rates are per second over the last interval, latencies in milliseconds.

    A latency is None while nothing was answered. `readings` are the subject's own (a limiter: allowed, denied; the
    keys that are over their limit first). `damage` counts, since the load began, what clients should not have got
    (requests wrongly allowed, writes lost), by label: a scoreboard shows how much of it an incident cost.
    """

    level: Level
    operations_per_s: float
    errors_per_s: float
    p50_ms: float | None
    p99_ms: float | None
    readings: tuple[Reading, ...] = ()
    damage: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything seen at `at` (UTC). `workload` is None when no load generator could be asked.

    `facts` holds what JSON can hold, under keys that the subject documents.
    """

    at: datetime
    services: tuple[ServiceHealth, ...]
    workload: Workload | None
    facts: dict[str, Any] = field(default_factory=dict)
