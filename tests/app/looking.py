"""What a person would read on the screen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from rich.segment import Segment
from textual.pilot import Pilot
from textual.widget import Widget

from app.application import OperatorApp
from operator_core.events import AnyEvent
from tests.app import story
from tests.app.fake_stage import FakeFault, FakeStage
from tests.waiting import until

FAULTS = (FakeFault("kill-node"), FakeFault("partition-node"))
WIDE, SMALL = (160, 48), (80, 24)


class Show:
    """A running application with its pilot and its stage."""

    def __init__(self, app: OperatorApp, pilot: Pilot[None], stage: FakeStage) -> None:
        self.app, self.pilot, self.stage = app, pilot, stage

    def rows(self) -> list[list[Segment]]:
        """The segments of each line of the screen, as they would go to the terminal."""
        strips = self.app.screen._compositor.render_strips()
        return [list(strip) for strip in strips]

    def screen(self) -> str:
        return "\n".join("".join(segment.text for segment in row) for row in self.rows())

    def region(self, selector: str) -> str:
        """The text of one widget's place on the screen, its frame included."""
        widget = self.app.screen.query_one(selector, Widget)
        region = widget.region
        return "\n".join(line[region.x : region.right] for line in self.screen().split("\n")[region.y : region.bottom])

    async def play(self, *events: AnyEvent) -> None:
        self.stage.play(*events)
        await self.drawn()

    async def drawn(self) -> None:
        """Everything that was heard is on the screen."""
        await until(lambda: self.app._latest is None or not self.app.is_running, what="the last state drawn")
        if self.app.is_running:
            await self.pilot.pause()

    async def shows(self, text: str, region: str = "") -> None:
        def there() -> bool:
            return text in (self.region(region) if region else self.screen())

        try:
            await until(there, what=f"{text!r} on the screen")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.screen()}") from None

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()


@asynccontextmanager
async def showing(
    events: Iterable[AnyEvent] = (), size: tuple[int, int] = WIDE, stage: FakeStage | None = None
) -> AsyncIterator[Show]:
    stage = stage or FakeStage(events, story.CHAPTERS, FAULTS)
    app = OperatorApp(stage)
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(lambda: stage._listener is not None, what="the stage started")
        show = Show(app, pilot, stage)
        await show.drawn()
        yield show
