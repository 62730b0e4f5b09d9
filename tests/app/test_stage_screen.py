"""The stage screen over the story of one incident, at both sizes that must be complete."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.moments import until as up_to
from operator_core.events import (
    AnyEvent,
    Blind,
    DaemonExited,
    LabReady,
    LabStopped,
    ModeChanged,
    Observed,
    TicketChanged,
)
from tests.app import story
from tests.app.looking import SMALL, WIDE, showing

SIZES = pytest.mark.parametrize("size", [WIDE, SMALL], ids=["wide", "small"])
PANELS = ("#cluster", "#workload", "#monitor", "#chapter", "#agent", "#timeline")


def at(moment: str) -> list[AnyEvent]:
    return up_to(story.run(), moment)


@SIZES
async def test_the_first_frame_is_whole_before_anything_is_heard(size: tuple[int, int]) -> None:
    async with showing([], size) as show:
        await show.shows("Welcome", "#chapter")
        await show.shows("starting", "#header")
        for panel in PANELS:
            assert show.region(panel).strip(), panel


@SIZES
async def test_every_panel_has_its_place_at_every_moment(size: tuple[int, int]) -> None:
    async with showing([], size) as show:
        heard = 0
        for moment in ("ready", "healthy", "countdown", "detected", "working", "verified", "end"):
            events = at(moment)
            await show.play(*events[heard:])
            heard = len(events)
            screen = show.app.screen
            regions = [screen.query_one(panel).region for panel in PANELS]
            assert all(region.width > 20 and region.height >= 2 for region in regions), (moment, regions)
            assert all(screen.region.contains_region(region) for region in regions), moment
            pairs = ((one, other) for number, one in enumerate(regions) for other in regions[number + 1 :])
            assert not any(one.overlaps(other) for one, other in pairs), moment


@SIZES
async def test_services_are_shown_as_the_lab_starts_them_before_they_are_seen(size: tuple[int, int]) -> None:
    events = [event for event in at("ready") if not isinstance(event, LabReady)]
    async with showing(events[:-1], size) as show:
        cluster = show.region("#cluster")
        assert "◌ node-1" in cluster and "up" in cluster
        assert "◌ load" in cluster and "starting" in cluster


@SIZES
async def test_a_healthy_cluster_has_a_row_a_service_and_the_header_says_who_plays(size: tuple[int, int]) -> None:
    async with showing(at("healthy"), size) as show:
        header = show.region("#header")
        for said in ("healthy", "Distributed rate limiter", "processes", "no sandbox", "scripted stand-in", "execute"):
            assert said in header
        cluster = show.region("#cluster")
        for name in ("store", "links", "node-1", "node-2", "node-3", "load"):
            assert f"● {name}" in cluster
        assert "6 of 6 well" in cluster
        assert "● served" in show.region("#workload")
        assert "No ticket is open" in show.region("#monitor")
        assert "No ticket, no work" in show.region("#agent")
        assert "none yet" in show.region("#timeline")


@SIZES
async def test_the_countdown_is_in_large_digits(size: tuple[int, int]) -> None:
    async with showing(at("countdown"), size) as show:
        chapter = show.region("#chapter")
        assert "partition-node" in chapter and "esc stops it" in chapter
        assert show.app.screen.query_one("#left").region.height == 3


@SIZES
async def test_an_incident_is_told_in_words_and_marks_not_only_in_colour(size: tuple[int, int]) -> None:
    async with showing(at("working"), size) as show:
        assert "✖ 1 broken" in show.region("#header")
        assert "✖ node-2" in show.region("#cluster") and "no store" in show.region("#cluster")
        assert "✖ degraded" in show.region("#workload")
        assert "redis_disconnected" in show.region("#monitor") and "▶" in show.region("#monitor")
        timeline = show.region("#timeline")
        assert "● injected" in timeline and "● detected" in timeline and "○ repaired" in timeline
        assert "+1.1 s" in timeline
        agent = show.region("#agent")
        assert "$ curl -s 127.0.0.1:40112/links" in agent
        assert "see the state of every link" in agent and "[reads]" in agent
        assert "running" in agent
        assert "`node-2`" not in agent and "node-2" in agent  # Markdown, lightly


@SIZES
async def test_the_row_is_lit_at_the_moment_of_detection_and_not_for_long(size: tuple[int, int]) -> None:
    events = at("detected")
    async with showing(events, size) as show:

        def lit() -> bool:
            named = [segment for row in show.rows() for segment in row if "✖ node-2" in segment.text]
            return any(segment.style and segment.style.reverse for segment in named)

        assert lit()
        later = events[-1].at + timedelta(seconds=9)
        await show.play(Observed(at=later, observation=story.observation(later, 3, True), seconds=0.1))
        assert not lit()


@SIZES
async def test_the_end_shows_the_diagnosis_from_its_top_and_the_score(size: tuple[int, int]) -> None:
    async with showing(at("end"), size) as show:
        await show.shows("What happened", "#agent")
        chapter = show.region("#chapter")
        assert "repaired and verified" in chapter
        for said in ("detected", "+1.1 s", "+7.0 s", "+8.0 s", "+10.1 s", "14,470 / 955", "wrongly allowed", "214"):
            assert said in chapter, said
        assert "✔ verified" in show.region("#timeline")
        assert "resolved" in show.region("#monitor")


async def test_the_checklist_ticks() -> None:
    async with showing(at("working")) as show:
        assert "○ the agent acts on its diagnosis" in show.region("#chapter")
        await show.play(*list(story.run())[len(at("working")) : len(at("diagnosed"))])
        await show.shows("✔ the agent acts on its diagnosis", "#chapter")


async def test_an_escalation_is_not_a_success() -> None:
    events = at("working")
    async with showing(events) as show:
        await show.play(
            TicketChanged(
                at=events[-1].at,
                ticket=1,
                invariant="redis_disconnected",
                target="node-2",
                state="escalated",
                summary="",
                actor="agent",
            )
        )
        assert "escalated: a person is needed" in show.region("#timeline")
        assert "escalated: a person is needed" in show.region("#chapter")
        assert "▲ escalated" in show.region("#monitor")
        assert "✔ verified" not in show.screen()


@SIZES
async def test_blindness_is_not_health(size: tuple[int, int]) -> None:
    events = at("healthy")
    async with showing(events, size) as show:
        await show.play(Blind(at=events[-1].at + timedelta(seconds=3), error="nothing answers", for_s=2))
        assert "blind" in show.region("#header")
        assert "BLIND: nothing answers" in show.region("#monitor")
        assert "● node-1" not in show.region("#cluster") and "? node-1" in show.region("#cluster")
        assert "old figures" in show.region("#workload")


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (DaemonExited(daemon="monitor", status=1, expected=False), "The monitor ended by itself with status 1"),
        (DaemonExited(daemon="agent", status=-9, expected=False), "The agent ended by itself with status -9"),
        (LabStopped(reason="killed"), "The lab has stopped"),
    ],
)
async def test_what_is_gone_is_on_a_banner(event: DaemonExited | LabStopped, said: str) -> None:
    async with showing(at("healthy"), SMALL) as show:
        assert not show.app.screen.query_one("#banner").display
        await show.play(event)
        assert said in show.region("#banner")


async def test_an_expected_end_is_no_banner() -> None:
    async with showing(at("healthy")) as show:
        await show.play(DaemonExited(daemon="agent", status=0, expected=True))
        assert not show.app.screen.query_one("#banner").display


async def test_the_mode_after_the_kill_switch_is_seen() -> None:
    async with showing(at("working")) as show:
        await show.play(ModeChanged(mode="observe", by="kill switch"))
        assert "mode observe" in show.region("#header")
        assert "Mode observe, set by kill switch" in show.region("#agent")
