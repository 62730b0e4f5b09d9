"""Hostile output, floods, small and changing terminals."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest
from textual.pilot import Pilot

from app.moments import until as up_to
from app.screens.leaving import LeavingScreen
from app.screens.small import TooSmallScreen
from app.screens.stage import StageScreen
from operator_core.events import (
    AnyEvent,
    CommandFinished,
    CommandOutput,
    CommandStarted,
    FaultFailed,
    Logged,
    Observed,
    SessionEnded,
    SessionStarted,
    Thought,
    TicketChanged,
)
from operator_protocols import Level, Observation, Reading, ServiceHealth, Workload
from tests.app import story
from tests.app.looking import SMALL, WIDE, Show, showing
from tests.waiting import until

EVIL = "\x1b[2J\x1b]0;owned\x07\x1b]8;;http://x\x1b\\[red]not red[/red] [/] [@click=app.quit]x[/] \x9b31m\x00\x08\u202e"


def at(moment: str) -> list[AnyEvent]:
    return up_to(story.run(), moment)


def controls(show: Show) -> set[str]:
    return {
        character
        for character in show.screen()
        if character != "\n" and (character < " " or "\x7f" <= character <= "\x9f" or character in "\u202e\u200b")
    }


@pytest.mark.parametrize("size", [WIDE, SMALL], ids=["wide", "small"])
async def test_nothing_from_outside_reaches_the_terminal_or_is_read_as_markup(size: tuple[int, int]) -> None:
    now = story.START + timedelta(seconds=60)
    rows = (ServiceHealth(EVIL + "node", EVIL, Level.BAD, EVIL, (Reading(EVIL, EVIL, Level.BAD),)),)
    load = Workload(Level.BAD, 1, 1, None, None, (Reading(EVIL, EVIL),), {EVIL: 3})
    events: list[AnyEvent] = [
        *at("detected"),
        Observed(at=now, observation=Observation(now, rows, load), seconds=0.1, broken=(EVIL,)),
        TicketChanged(at=now, ticket=9, invariant=EVIL, target=EVIL, state="open", summary=EVIL, actor=EVIL),
        SessionStarted(at=now, session=2, ticket=9),
        Thought(at=now, session=2, delta=EVIL + "thought", done=True),
        CommandStarted(at=now, session=2, entry=9, command=EVIL + "run", reasoning=EVIL, effect="reads"),
        CommandOutput(at=now, session=2, entry=9, stream="stdout", chunk=EVIL * 3),
        CommandFinished(at=now, session=2, entry=9, exit_status=None, seconds=1, ended_by=EVIL),
        Logged(at=now, source=EVIL, level="error", message=EVIL),
    ]
    async with showing(events, size) as show:
        await show.shows("not red", "#agent")
        assert "[red]not red[/red]" in show.region("#agent")
        assert not controls(show)
        await show.play(
            SessionEnded(
                at=now,
                session=2,
                ticket=9,
                outcome="escalated",
                conclusion=EVIL + "the end",
                summary=EVIL,
                seconds=1,
                commands=1,
            )
        )
        await show.shows("the end", "#agent")
        assert not controls(show)
        await show.press("f")
        assert not controls(show)


async def test_a_line_of_ninety_thousand_characters_is_cut() -> None:
    async with showing(at("working")) as show:
        await show.play(CommandOutput(session=1, entry=3, stream="stdout", chunk="x" * 90_000))
        await show.play(Thought(session=1, delta="y" * 90_000, done=True))
        await show.shows("more characters", "#agent")
        await show.press("space")
        assert show.stage.asked == ["forward"]


async def test_ten_thousand_chunks_at_once_are_drawn_in_a_few_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    real = StageScreen.show

    def counted(screen: StageScreen, state: object) -> None:
        drawn.append(1)
        real(screen, state)  # type: ignore[arg-type]

    async with showing(at("working")) as show:
        monkeypatch.setattr(StageScreen, "show", counted)
        for number in range(10_000):
            show.stage.play(CommandOutput(session=1, entry=3, stream="stdout", chunk=f"line {number}\n"))
        await show.press("k")
        assert show.stage.asked == ["kill_switch"]
        await show.shows("line 9999", "#agent")
        assert len(drawn) < 10


async def test_a_long_transcript_keeps_the_number_of_widgets_bounded() -> None:
    async with showing(at("working")) as show:
        for number in range(700):
            show.stage.play(Thought(session=1, delta=f"thought {number}", done=True))
            if number % 100 == 99:
                await show.drawn()
        await show.shows("thought 699", "#agent")
        assert len(show.app.screen.query("BlockView")) <= 300


async def resized(show: Show, pilot: Pilot[None], width: int, height: int) -> None:
    await pilot.resize_terminal(width, height)
    await pilot.pause()
    await pilot.pause()


async def test_a_terminal_that_is_too_small_says_what_it_needs_and_the_demo_goes_on() -> None:
    async with showing(at("healthy"), (79, 24)) as show:
        await until(lambda: isinstance(show.app.screen, TooSmallScreen), what="the too-small screen")
        await show.shows("it has 79 x 24, it needs 80 x 24")
        await show.press("space")
        assert show.stage.asked == []
        await resized(show, show.pilot, 60, 10)
        await show.shows("it has 60 x 10")
        show.stage.play(*list(story.run())[len(at("healthy")) :])
        await resized(show, show.pilot, *WIDE)
        assert isinstance(show.app.screen, StageScreen)
        await show.shows("repaired and verified")
        await resized(show, show.pilot, 80, 23)
        await show.shows("80 x 23")


async def test_a_menu_is_still_open_after_the_terminal_was_too_small() -> None:
    async with showing(at("healthy")) as show:
        await show.press("f")
        await resized(show, show.pilot, 40, 10)
        await show.shows("too small")
        await resized(show, show.pilot, *SMALL)
        await show.shows("partition-node")


async def test_the_screen_is_whole_at_every_size_on_the_way() -> None:
    async with showing(at("end"), SMALL) as show:
        for size in ((80, 24), (100, 30), (116, 24), (120, 36), (90, 50), (160, 48), (240, 67), (300, 80), (80, 24)):
            await resized(show, show.pilot, *size)
            rows = show.rows()
            assert len(rows) == size[1] and all(sum(s.cell_length for s in row) == size[0] for row in rows)
            for said in ("node-3", "repaired and verified", "✔ verified", "What happened", "Quit"):
                assert said in show.screen(), (size, said)


async def test_it_is_right_without_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with showing(at("working")) as show:
        styles = [segment.style for row in show.rows() for segment in row if segment.style]
        assert all(
            style.color is None or style.color.get_truecolor().red == style.color.get_truecolor().blue
            for style in styles
        )
        assert "✖ 1 broken" in show.screen() and "✖ degraded" in show.screen() and "✖ node-2" in show.screen()


def test_importing_the_application_is_lean() -> None:
    """The first frame waits for these imports; daemons and subjects need others, in their own processes."""
    script = (
        "import sys, app.application;"
        "heavy = ('anthropic', 'aiosqlite', 'subjects', 'httpx', 'plotext', 'redis', 'starlette', 'psutil', 'typer');"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


async def test_trouble_pops_up_and_a_flood_of_it_only_once() -> None:
    async with showing(at("healthy")) as show:
        trouble = [Logged(source="monitor", level="warning", message=f"database is locked {n}") for n in range(50)]
        await show.play(
            *trouble, FaultFailed(fault="kill-node", target="node-1", phase="inject", error="[b]no[/b] node")
        )
        await show.shows("database is locked 0")
        assert "database is locked 1" not in show.screen()
        assert "[b]no[/b] node" in show.screen()
        assert len(show.app._notifications) == 2


async def test_news_that_come_while_the_leaving_screen_is_being_made_break_nothing() -> None:
    async with showing(at("working")) as show:
        screen = LeavingScreen(show.stage.state)
        show.app.push_screen(screen)
        for index in range(200):
            await asyncio.sleep(0)
            screen.state = replace(show.stage.state, observations=index)
        await show.shows("healing faults")
