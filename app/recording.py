"""The event file of a run: what a crash leaves behind, and what a report or a picture is made from."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from operator_core.events import AnyEvent, encode

RUNS_KEPT = 10


class Recording:
    """`events-<time>.jsonl` in `folder`, a line an event, written at once. Only the last ten runs are kept."""

    def __init__(self, folder: Path) -> None:
        for old in sorted(folder.glob("events-*.jsonl"))[: -(RUNS_KEPT - 1)]:
            old.unlink()
        self.path = folder / f"events-{datetime.now(UTC):%Y%m%dT%H%M%S%f}Z.jsonl"
        self._file = self.path.open("wb", buffering=0)

    def write(self, event: AnyEvent) -> None:
        self._file.write(encode(event))

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._file.close()
