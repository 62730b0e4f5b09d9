from __future__ import annotations

from app.conductor import Conductor
from chapters import Chapter
from operator_core.events import LabReady
from operator_core.state import RunState, reduce

READY = reduce(RunState(), LabReady(seconds=1))
SHOW = [
    Chapter("one", "", until=("ready",), deadline=10, dwell=5),
    Chapter("two", "", fault=True),
    Chapter("three", "", fault="hang-node"),
]


def test_a_chapter_waits_for_its_conditions() -> None:
    conductor = Conductor(SHOW)
    assert conductor.waits_for(RunState()) == ["every service is ready"]
    assert conductor.waits_for(READY) == []


def test_unattended_it_stays_to_be_read_and_then_moves_on() -> None:
    conductor = Conductor(SHOW, entered_at=100)
    assert not conductor.may_move_on(READY, 104, reading=True)
    assert conductor.may_move_on(READY, 105, reading=True)
    assert conductor.may_move_on(READY, 100, reading=False)
    assert conductor.missed == []


def test_unattended_it_gives_up_at_the_deadline_and_says_what_it_missed() -> None:
    conductor = Conductor(SHOW, entered_at=100)
    assert not conductor.may_move_on(RunState(), 109, reading=True)
    assert conductor.may_move_on(RunState(), 110, reading=True)
    assert conductor.missed == ["one: not within 10 s: every service is ready"]


def test_a_fault_is_due_once_however_often_the_show_comes_by() -> None:
    conductor = Conductor(SHOW)
    assert conductor.fault_due("kill-node") == ""
    conductor.move(+1, 0)
    assert conductor.fault_due("kill-node") == "kill-node"
    conductor.spent.add(conductor.index)
    conductor.move(-1, 0)
    conductor.move(+1, 0)
    assert conductor.fault_due("kill-node") == ""
    conductor.move(+1, 0)
    assert conductor.fault_due("kill-node") == "hang-node"


def test_it_ends_at_both_ends() -> None:
    conductor = Conductor(SHOW)
    assert not conductor.move(-1, 0)
    assert conductor.move(+1, 0) and conductor.move(+1, 0)
    assert not conductor.move(+1, 0)
    assert conductor.chapter.title == "three"


def test_a_presenter_who_insists_is_let_through() -> None:
    conductor = Conductor(SHOW)
    assert not conductor.insists(100)
    assert conductor.insists(103)
    assert not conductor.insists(120)
