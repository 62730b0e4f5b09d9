"""What a limit is, and what a key may be."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Algorithm = Literal["sliding_log", "gcra"]

MAX_LIMIT = 1_000_000
MAX_COST = 10_000
"""A check is one script, and nobody else is served while it runs."""
MAX_WINDOW_S = 2_592_000.0

Key = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f{}]*\Z")]
"""Anything printable but braces, which mark the hash tag in the store."""


class Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`limit` units in `window_s` seconds.

    sliding_log: exact, never more than `limit` in any window; keeps an entry in the store for each unit.
    gcra: one number a key; up to `burst` at once (`limit` if not given), and at most `burst + limit` in any window.
    """

    limit: Annotated[int, Meta(ge=0, le=MAX_LIMIT)]
    window_s: Annotated[float, Meta(ge=0.1, le=MAX_WINDOW_S)]
    algorithm: Algorithm = "sliding_log"
    burst: Annotated[int, Meta(ge=1, le=MAX_LIMIT)] | None = None

    def __post_init__(self) -> None:
        if self.burst is not None and self.algorithm != "gcra":
            raise ValueError("burst belongs to the algorithm gcra")
        if self.burst is not None and self.burst > self.limit:
            raise ValueError("burst must be at most the limit")

    @property
    def at_once(self) -> int:
        """The most units that can be admitted at one moment."""
        return self.limit if self.burst is None else self.burst

    @property
    def window_us(self) -> int:
        return round(self.window_s * 1_000_000)

    def arguments(self) -> tuple[str, int, int, int]:
        """As the scripts take it."""
        return self.algorithm, self.limit, self.window_us, self.at_once

    @classmethod
    def of(cls, algorithm: bytes, limit: int | bytes, window_us: int | bytes, burst: int | bytes) -> Limit:
        """From what the store holds or answers."""
        units, at_once = int(limit), int(burst)
        return cls(
            limit=units,
            window_s=int(window_us) / 1_000_000,
            algorithm="gcra" if algorithm == b"gcra" else "sliding_log",
            burst=at_once if algorithm == b"gcra" and at_once != units else None,
        )
