"""A chapter: TOML front matter between two `+++` lines, then the narration in Markdown."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar, cast

from chapters.conditions import CONDITIONS

FENCE = "+++"
T = TypeVar("T")


class ChapterError(Exception):
    """A chapter that cannot be shown: one sentence with the file and the line."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """One stage of the show.

    `fault`: inject one when the countdown of `countdown` seconds is over; True for the run's own choice, or a name.
    `until`: conditions that must have come true before the show moves on. `deadline` (seconds): when an unattended
    show gives up waiting for them. `dwell` (seconds): how long an unattended show stays at least, so that people can
    read. `notes` are for the speaker.
    """

    title: str
    body: str
    fault: bool | str = False
    countdown: int = 5
    until: tuple[str, ...] = ()
    deadline: float = 60.0
    dwell: float = 6.0
    notes: str = ""


def shipped(subject: str) -> Path:
    """The folder with this package's own chapters on `subject`; it need not exist."""
    return Path(str(resources.files("chapters"))) / subject


def load(folder: Path) -> list[Chapter]:
    """The chapters of a folder in the order of their file names. `ChapterError` for a folder or file that is none."""
    if not folder.is_dir():
        raise ChapterError(f"There is no folder of chapters at {folder}; give one with --chapters DIR.")
    files = sorted(folder.glob("*.md"))
    if not files:
        raise ChapterError(f"The folder {folder} has no chapter (a file that ends in .md).")
    return [read(file) for file in files]


def read(file: Path) -> Chapter:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ChapterError(f"{file}: cannot be read: {error}.") from error
    lines = text.splitlines()
    if not lines or lines[0].strip() != FENCE:
        raise ChapterError(f"{file}, line 1: a chapter begins with front matter between two lines of {FENCE}.")
    end = next((number for number, line in enumerate(lines[1:], start=1) if line.strip() == FENCE), None)
    if end is None:
        raise ChapterError(f"{file}, line {len(lines)}: the front matter is not closed by a line of {FENCE}.")
    try:
        matter = tomllib.loads("\n".join(lines[1:end]))
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found[1]) + 1 if found else end
        why = re.sub(r" \(at .*\)", "", str(error))
        raise ChapterError(f"{file}, line {line}: {why}.") from error
    return _Matter(file, lines, matter).chapter("\n".join(lines[end + 1 :]).strip())


class _Matter:
    """Front matter on its way to a chapter; knows the line of each key for the errors."""

    def __init__(self, file: Path, lines: list[str], matter: dict[str, Any]) -> None:
        self.file, self.lines, self.matter = file, lines, matter

    def fail(self, key: str, why: str) -> ChapterError:
        at = next((n for n, line in enumerate(self.lines, start=1) if re.match(rf"\s*{re.escape(key)}\s*=", line)), 1)
        return ChapterError(f"{self.file}, line {at}: {why}.")

    def take(self, key: str, kinds: tuple[type, ...], default: T, what: str) -> T:
        value = self.matter.pop(key, default)
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise self.fail(key, f"{key} must be {what}")
        return cast(T, value)

    def seconds(self, key: str, default: float) -> float:
        value = float(self.take(key, (int, float), default, "a number of seconds"))
        if not 0 <= value <= 3600:
            raise self.fail(key, f"{key} must be between 0 and 3600 seconds")
        return value

    def chapter(self, body: str) -> Chapter:
        title = self.take("title", (str,), "", "a text")
        if not title:
            raise self.fail("title", "a chapter needs a title")
        until = tuple(self.take("until", (list,), list[str](), "a list of conditions"))
        for name in until:
            if name not in CONDITIONS:
                raise self.fail("until", f"{name!r} is no condition; there are {', '.join(CONDITIONS)}")
        chapter = Chapter(
            title=title,
            body=body,
            fault=self.take("fault", (bool, str), False, "true or the name of a fault"),
            countdown=int(self.seconds("countdown", 5)),
            until=until,
            deadline=self.seconds("deadline", 60.0),
            dwell=self.seconds("dwell", 6.0),
            notes=self.take("notes", (str,), "", "a text"),
        )
        for key in self.matter:
            raise self.fail(key, f"{key!r} is not a setting of a chapter")
        return chapter
