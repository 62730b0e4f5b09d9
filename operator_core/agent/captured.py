"""What a command wrote, cleaned: the head and tail that a model gets, and all of it on disk where that is more."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Literal

from operator_core.agent.terminal import Cleaner

Stream = Literal["stdout", "stderr"]

HEAD = TAIL = 8 * 1024
"""Characters that the model gets of each stream's beginning and end."""
KEPT = 16 * 1024 * 1024
"""Characters that are kept on disk at most, of both streams together."""


class Captured:
    """Collects a command's output in bounded memory. `path` is written only once the model's share is exceeded."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._streams: dict[Stream, _Share] = {"stdout": _Share(), "stderr": _Share()}
        self._cleaners: dict[Stream, Cleaner] = {"stdout": Cleaner(), "stderr": Cleaner()}
        self._early: list[str] = []
        self._file: IO[str] | None = None
        self._written = 0
        self._dropped = 0

    def add(self, stream: Stream, raw: str) -> str:
        """Take a piece of what the command wrote, and give it cleaned."""
        text = self._cleaners[stream].feed(raw)
        self._keep(stream, text)
        return text

    def _keep(self, stream: Stream, text: str) -> None:
        share = self._streams[stream]
        share.add(text)
        if self._file is None:
            self._early.append(text)
            if not share.cut:
                return
            self._file = self._path.open("w", encoding="utf-8")
            text = "".join(self._early)
            self._early.clear()
        room = max(KEPT - self._written, 0)
        self._file.write(text[:room])
        self._written += min(len(text), room)
        self._dropped += max(len(text) - room, 0)

    def close(self) -> str:
        """The name of the file with the full text, or "" where the model saw all of it."""
        for stream, cleaner in self._cleaners.items():
            self._keep(stream, cleaner.flush())
        if self._file is None:
            return ""
        if self._dropped:
            self._file.write(f"\n[{self._dropped} more characters were not kept]\n")
        self._file.close()
        return self._path.name

    def text(self, stream: Stream) -> str:
        return self._streams[stream].text()


class _Share:
    def __init__(self) -> None:
        self._head = ""
        self._tail = ""
        self._total = 0

    def add(self, text: str) -> None:
        self._total += len(text)
        room = HEAD - len(self._head)
        self._head += text[:room]
        self._tail = (self._tail + text[room:])[-TAIL:] if room < len(text) else self._tail

    @property
    def cut(self) -> bool:
        return self._total > HEAD + TAIL

    def text(self) -> str:
        if not self.cut:
            return self._head + self._tail
        return f"{self._head}\n[... {self._total - HEAD - TAIL} characters left out ...]\n{self._tail}"
