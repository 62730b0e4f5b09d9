from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from chapters import CONDITIONS, Chapter, ChapterError, holds, load, shipped
from operator_core.events import FaultInjected, TicketChanged
from operator_core.registry import load_subject, subject_names
from operator_core.state import RunState, reduce

AT = datetime(2026, 1, 1, tzinfo=UTC)


def write(folder: Path, text: str) -> Path:
    file = folder / "01-one.md"
    file.write_text(text)
    return file


@pytest.mark.parametrize("subject", subject_names())
def test_the_shipped_chapters_can_be_shown(subject: str) -> None:
    show = load(shipped(subject))
    assert len(show) == 7
    assert sum(bool(chapter.fault) for chapter in show) == 1
    known = {fault.name for fault in load_subject(subject).faults}
    assert all(chapter.fault in known for chapter in show if isinstance(chapter.fault, str))


def test_a_chapter_is_read_with_its_settings(tmp_path: Path) -> None:
    matter = 'title = "One"\nfault = "kill-node"\ncountdown = 2\nuntil = ["healthy"]\ndwell = 1.5\nnotes = "say"'
    write(tmp_path, f"+++\n{matter}\n+++\n\nBody\n")
    (chapter,) = load(tmp_path)
    assert chapter == Chapter("One", "Body", "kill-node", countdown=2, until=("healthy",), dwell=1.5, notes="say")


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("# no front matter", 1, "begins with front matter"),
        ('+++\ntitle = "x"\n', 2, "is not closed"),
        ('+++\ntitle = "x"\ncountdown = = 3\n+++\n', 3, "Invalid"),
        ('+++\ntitle = "x"\ncountdown = "soon"\n+++\n', 3, "countdown must be a number"),
        ('+++\ntitle = "x"\ncountdown = true\n+++\n', 3, "countdown must be a number"),
        ('+++\ntitle = "x"\ndwell = -1\n+++\n', 3, "between 0 and 3600"),
        ('+++\ntitle = "x"\n\nuntil = ["whole"]\n+++\n', 4, "no condition"),
        ('+++\ntitle = "x"\nuntil = [1]\n+++\n', 3, "no condition"),
        ("+++\ndwell = 1\n+++\n", 1, "needs a title"),
        ('+++\ntitle = "x"\ncolour = "red"\n+++\n', 3, "not a setting"),
    ],
)
def test_a_broken_chapter_is_named_with_its_line(tmp_path: Path, text: str, line: int, says: str) -> None:
    file = write(tmp_path, text)
    with pytest.raises(ChapterError, match=f"{file}, line {line}: .*{says}"):
        load(tmp_path)


def test_a_chapter_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "01.md").write_bytes(b"+++\n\xff\n+++\n")
    with pytest.raises(ChapterError, match=r"01\.md: cannot be read"):
        load(tmp_path)


@pytest.mark.parametrize("make", [False, True])
def test_a_folder_without_chapters_is_refused(tmp_path: Path, make: bool) -> None:
    folder = tmp_path / "show"
    if make:
        folder.mkdir()
    with pytest.raises(ChapterError, match="show"):
        load(folder)


def test_nothing_holds_before_anything_happened() -> None:
    assert [name for name in CONDITIONS if holds(name, RunState())] == []


def test_conditions_follow_the_story() -> None:
    state = reduce(RunState(), FaultInjected(at=AT, fault="f", target="t", says="", limit_s=1))
    assert holds("injected", state)
    assert not holds("detected", state)
    ticket = {"ticket": 1, "invariant": "i", "target": "t", "summary": "", "actor": "monitor"}
    state = reduce(state, TicketChanged(at=AT, state="open", **ticket))
    assert holds("detected", state)
    assert not holds("verified", state)
    state = reduce(state, TicketChanged(at=AT, state="resolved", **ticket))
    assert holds("verified", state)
