"""Every key does what the help says of it."""

from __future__ import annotations

import asyncio

import pytest
from textual.widgets import OptionList

from app.moments import until as up_to
from app.screens.faults import FaultMenu
from app.screens.help import HelpScreen
from app.screens.leaving import LeavingScreen
from app.screens.stage import StageScreen
from operator_core.errors import UserError
from operator_core.events import AnyEvent, CountdownTick, Thought
from tests.app import story
from tests.app.fake_stage import FakeStage
from tests.app.looking import SMALL, WIDE, showing
from tests.waiting import until


def at(moment: str) -> list[AnyEvent]:
    return up_to(story.run(), moment)


ASKS = {"space": "forward", "enter": "forward", "right": "forward", "left": "back", "k": "kill_switch"}


async def test_a_key_asks_the_stage_wherever_the_focus_is() -> None:
    async with showing(at("healthy")) as show:
        await show.press(*ASKS)
        assert show.stage.asked == list(ASKS.values())
        for _ in range(5):
            await show.press("tab")
            show.stage.asked.clear()
            await show.press(*ASKS)
            assert show.stage.asked == list(ASKS.values())


async def test_what_the_stage_answers_is_said_and_not_read_as_markup() -> None:
    async with showing(at("healthy")) as show:
        show.stage.answers["forward"] = "The show waits until [bold]every[/bold] invariant holds."
        await show.press("space")
        await show.shows("[bold]every[/bold] invariant")


async def test_escape_stops_a_countdown() -> None:
    async with showing(at("countdown")) as show:
        await show.press("escape")
        assert show.stage.asked == ["abort"]
        await show.play(CountdownTick(fault="partition-node", left=2, aborted=True))
        assert not show.app.screen.query_one("#countdown").display


@pytest.mark.parametrize("size", [WIDE, SMALL], ids=["wide", "small"])
async def test_the_fault_menu_tells_of_each_fault_and_starts_its_countdown(size: tuple[int, int]) -> None:
    async with showing(at("healthy"), size) as show:
        await show.press("f")
        assert isinstance(show.app.screen, FaultMenu)
        await show.press("down")
        await show.shows("its row turns red")
        for said in ("partition-node", "one node loses the store", "opening the link again", "redis_disconnected"):
            assert said in show.screen(), said
        await show.press("enter")
        assert show.stage.asked == ["inject partition-node"]
        assert isinstance(show.app.screen, StageScreen)


async def test_arrows_and_enter_in_one_go_choose_what_the_arrows_reached() -> None:
    async with showing(at("healthy")) as show:
        await show.press("f")
        show.app.simulate_key("down")
        show.app.simulate_key("enter")
        await until(lambda: show.stage.asked == ["inject partition-node"], what="the second fault to be asked for")


async def test_the_fault_menu_heals_all_and_closes_without_doing_anything() -> None:
    async with showing(at("working")) as show:
        await show.press("f")
        await show.shows("Injected: partition-node on node-2")
        await show.press("escape")
        assert show.stage.asked == []
        await show.press("f", "h")
        assert show.stage.asked == ["heal"]


async def test_a_lab_without_faults_has_an_empty_menu() -> None:
    stage = FakeStage(at("healthy"), story.CHAPTERS, ())
    async with showing(stage=stage) as show:
        await show.press("f")
        await show.shows("no faults")
        assert show.app.screen.query_one(OptionList).option_count == 0
        await show.press("enter")
        assert stage.asked == []


async def test_zoom_fills_the_screen_with_the_focused_panel_and_gives_it_back() -> None:
    async with showing(at("end"), SMALL) as show:
        before = show.screen()
        await show.press("z")
        assert show.app.screen.query_one("#agent").region.size.width == SMALL[0]
        assert "Cluster" not in show.screen() and "healthy" in show.region("#header")
        await show.press("z")
        assert "Cluster" in show.screen() and "Cluster" in before
        await show.press("tab", "tab", "z")
        assert "operations/s" in show.region("#workload") and "tenant-7" in show.region("#workload")
        await show.press("z", "shift+tab", "z")
        assert show.app.screen.query_one("#cluster").region.size.width == SMALL[0]
        await show.press("escape")
        assert show.app.screen.query_one("#cluster").region.size.width < SMALL[0]


async def test_pause_holds_the_text_still_and_goes_on_with_what_was_missed() -> None:
    async with showing(at("working")) as show:
        await show.press("p")
        await show.shows("paused", "#agent")
        held = show.region("#transcript")
        await show.play(Thought(session=1, delta="\n".join(f"new thought {n}" for n in range(50)), done=True))
        assert show.region("#transcript") == held
        await show.press("p")
        await show.shows("new thought 49", "#agent")
        assert "paused" not in show.region("#agent")


async def test_a_reader_who_scrolled_up_is_left_alone_until_the_end_key() -> None:
    async with showing(at("working"), SMALL) as show:
        show.app.screen.query_one("#transcript").focus()
        await show.press("pageup")
        await until(lambda: "paused" in show.region("#agent"), what="the panel paused")
        await until(lambda: not show.app.animator._animations, what="the scroll at rest")
        held = show.region("#transcript")
        for number in range(5):
            await show.play(Thought(session=1, delta=f"new thought {number}\n", done=True))
        assert show.region("#transcript") == held
        await show.press("end")
        await show.shows("new thought 4", "#agent")


async def test_help_is_made_from_the_keys_that_are_bound() -> None:
    async with showing(at("healthy")) as show:
        await show.press("question_mark")
        assert isinstance(show.app.screen, HelpScreen)
        for binding in StageScreen.BINDINGS:
            assert binding.tooltip in show.screen(), binding  # type: ignore[union-attr]
        await show.press("escape")
        assert isinstance(show.app.screen, StageScreen)


async def test_tab_goes_through_the_panels() -> None:
    async with showing(at("working")) as show:
        seen = set()
        for _ in range(8):
            await show.press("tab")
            assert show.app.focused is not None
            seen |= {node.id for node in show.app.focused.ancestors}
        assert {"cluster", "monitor", "agent", "chapter"} <= seen


@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
async def test_leaving_cleans_up_first_and_says_so(key: str) -> None:
    async with showing(at("working")) as show:
        show.stage.may_leave.clear()
        await show.press(key)
        assert isinstance(show.app.screen, LeavingScreen)
        await show.shows("healing faults")
        assert "partition-node on node-2" in show.screen() and "6 still run" in show.screen()
        await show.press("ctrl+c", "q", "space", "f")  # impatience changes nothing
        assert show.stage.asked == ["leave"] and show.app.is_running and not show.stage.ended
        show.stage.may_leave.set()
        await until(lambda: show.stage.ended and not show.app.is_running, what="the application ended")
    assert show.app.return_code == 0


async def test_keys_do_nothing_to_the_show_behind_a_menu() -> None:
    async with showing(at("healthy")) as show:
        await show.press("question_mark", "space", "left", "k")
        assert show.stage.asked == []


@pytest.mark.parametrize(
    ("fails", "code"), [(UserError("There is no store binary: install Valkey."), 2), (RuntimeError("broken"), 1)]
)
async def test_a_stage_that_breaks_down_ends_the_application_with_its_status(fails: Exception, code: int) -> None:
    stage = FakeStage(at("ready"), story.CHAPTERS)
    stage.fails = fails
    async with showing(stage=stage) as show:
        await until(lambda: not show.app.is_running, what="the application ended")
    assert show.app.return_code == code


async def test_a_stage_that_ends_by_itself_ends_the_application() -> None:
    async with showing(at("end")) as show:
        await asyncio.wait_for(show.stage.leave(), 1)
        await until(lambda: not show.app.is_running, what="the application ended")
    assert show.app.return_code == 0
