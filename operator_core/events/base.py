"""What all events share."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec


def now() -> datetime:
    return datetime.now(UTC)


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", omit_defaults=True):
    """One line of a daemon's output. `at` is UTC. `text` is the same line for a person."""

    at: datetime = msgspec.field(default_factory=now)

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError("an event's time needs a time zone")

    @property
    def text(self) -> str:
        raise NotImplementedError
