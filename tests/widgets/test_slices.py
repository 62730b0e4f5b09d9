"""The slices that panels draw, taken from states that the story leads to."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from app.moments import until
from operator_core.events import FaultUndone, ServiceChanged, TicketChanged
from operator_core.state import RunState, reduce
from tests.app import story
from widgets.banner import banner
from widgets.cluster import cluster
from widgets.header import badge, header
from widgets.monitor import judged, watch
from widgets.scoreboard import scoreboard
from widgets.timeline import drawing
from widgets.timeline import story as told


def at(moment: str) -> RunState:
    state = RunState()
    for event in until(story.run(), moment):
        state = reduce(state, event)
    return state


def test_the_badge_is_never_better_than_the_truth() -> None:
    healthy = at("healthy")
    assert badge(RunState()).text == "starting"
    assert badge(at("ready")).text == "not seen yet"
    assert badge(healthy).text == "healthy"
    assert badge(replace(healthy, blind="nothing answers")).text == "blind"
    assert badge(replace(healthy, stopped=True)).text == "lab stopped"
    assert badge(at("working")).text == "1 broken"


def test_the_header_takes_a_second_line_where_one_is_too_short() -> None:
    state = at("healthy")
    for width in (80, 100, 116, 160, 300):
        drawn = header(state, state.now, width)
        assert all(len(part) <= width for part in drawn.plain.split("\n"))
        assert "no sandbox" in drawn.plain and "scripted stand-in" in drawn.plain
    assert "\n" in header(state, state.now, 80).plain and "\n" not in header(state, state.now, 160).plain


def test_a_process_that_died_is_told_beside_what_the_monitor_saw() -> None:
    state = reduce(at("healthy"), ServiceChanged(name="node-1", role="node", state="died"))
    row = next(row for row in cluster(state, state.now).rows if row.name == "node-1")
    assert row.readings[0].text == "died"
    paused = reduce(state, ServiceChanged(name="node-1", role="node", state="paused"))
    assert next(row for row in cluster(paused, paused.now).rows if row.name == "node-1").symbol == "‖"


def test_a_service_that_is_not_observed_has_a_row_all_the_same() -> None:
    state = reduce(at("healthy"), ServiceChanged(name="extra", role="tool", state="up"))
    assert cluster(state, state.now).rows[-1].name == "extra"


def test_an_invariant_that_cannot_be_looked_at_does_not_hold() -> None:
    levels = dict(judged(at("working")))
    assert levels["redis_disconnected"] == "bad" and levels["node_down"] == "ok"
    assert set(dict(judged(replace(at("healthy"), blind="x"))).values()) == {"unknown"}


def test_live_tickets_come_first_and_old_ones_go() -> None:
    state = at("verified")
    for number in range(3, 8):
        state = reduce(
            state,
            TicketChanged(
                ticket=number,
                invariant="i",
                target="t",
                state="resolved" if number < 7 else "open",
                summary="",
                actor="",
            ),
        )
    assert [row.id for row in watch(state, state.now).tickets] == [7, 6, 5]


def test_the_timeline_fits_and_tells_each_moment_in_its_time() -> None:
    state = at("verified")
    assert state.now is not None
    for width in (76, 116, 156, 296):
        lines = drawing(told(state, state.now).stages, width).plain.split("\n")
        assert len(lines) == 2 and all(len(part) <= width for part in lines)
        assert [part for part in lines[0].split() if part.isalpha()] == [
            "injected",
            "detected",
            "diagnosed",
            "repaired",
            "verified",
        ]
        assert lines[1].split()[1:] == ["+1.1", "s", "+7.0", "s", "+8.0", "s", "+10.1", "s"]
    running = told(at("detected"), state.now + timedelta(seconds=2))
    assert running.stages[2].current and running.stages[2].text == "12 s …"


def test_a_fault_that_the_lab_took_back_is_nobodys_repair() -> None:
    state = reduce(at("working"), FaultUndone(fault="partition-node", target="node-2", by="time limit"))
    assert state.incident is not None
    title = told(state, state.now)
    assert title.bad and "undone by time limit" in title.aside
    assert "nobody's repair" in scoreboard(state.incident, 36).plain


def test_an_incident_without_a_fault_begins_at_its_detection() -> None:
    state = RunState()
    for event in until(story.run(), "verified"):
        if type(event).__name__ != "FaultInjected":
            state = reduce(state, event)
    shown = told(state, state.now)
    assert shown.stages[0].name == "not injected" and shown.stages[1].text.count(":") == 2
    assert shown.stages[2].text == "+5.9 s"


def test_no_banner_while_all_is_well() -> None:
    assert banner(at("verified")) is None
