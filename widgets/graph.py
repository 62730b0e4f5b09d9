"""Curves of the last minute: plotext's where there is room, a line of blocks where there is not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from textual.content import Content
from textual.css.styles import RulesMap
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual
from textual.widgets import Static

from operator_protocols import Level
from widgets.text import DIM, GOOD, STYLES, figure, line, stack

SPAN_S = 60.0
BLOCKS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class Point:
    at: datetime
    value: float
    level: Level


@dataclass(frozen=True, slots=True)
class Curve:
    title: str
    points: tuple[Point, ...]

    def recent(self) -> list[tuple[float, float, Level]]:
        """(seconds before the last point, value, level) of the span that is drawn."""
        if not self.points:
            return []
        last = self.points[-1].at
        placed = [((point.at - last).total_seconds(), point.value, point.level) for point in self.points]
        return [point for point in placed if point[0] >= -SPAN_S]


def sparkline(curve: Curve, width: int) -> Content:
    """One block a point, the newest at the right, red where it was degraded."""
    recent = curve.recent()[-width:]
    top = max((value for _, value, _ in recent), default=0.0)
    parts = [
        (BLOCKS[min(7, int(8 * value / top))] if top > 0 else BLOCKS[0], _style(level)) for _, value, level in recent
    ]
    return line((" " * (width - len(parts)), ""), *parts)


def _style(level: Level) -> str:
    return GOOD if level is Level.OK else STYLES[level]


def ceiling(value: float) -> float:
    """The next round number: where an axis ends."""
    if value <= 0:
        return 1.0
    scale = 1.0
    while scale * 10 <= value:
        scale *= 10
    while scale > value:
        scale /= 10
    return next(step * scale for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if step * scale >= value)


def plot(figure_: Any, curve: Curve, width: int, height: int) -> list[Content]:
    """The curve with its axis, drawn by plotext without colour and coloured here, column by column, by level."""
    recent = curve.recent()
    top = ceiling(max((value for _, value, _ in recent), default=0.0))
    figure_.clear.all()
    figure_.plot_size(width, height)
    figure_.axes(False)
    figure_.axes(True, axis="y", side="left")
    figure_.ruler("x").lim(-SPAN_S, 0).ticks([-SPAN_S, -SPAN_S / 2, 0], ["-60 s", "-30 s", "now"])
    figure_.ruler("y").lim(0, top).ticks([0, top / 2, top], ["0", figure(top / 2), figure(top)])
    if recent:
        signal = figure_.signal([x for x, _, _ in recent], [y for _, y, _ in recent], marker="hd").lines(True).fillx()
        figure_.draw(signal)
    drawn = figure_.build().string(colorless=True).splitlines()[:height]
    edge = max((text.find("┤") for text in drawn), default=0) + 1
    return [_colour(text, edge, width, recent) for text in drawn]


def _colour(text: str, edge: int, width: int, recent: Sequence[tuple[float, float, Level]]) -> Content:
    content = line((text[:edge], DIM))
    if "┤" not in text and "│" not in text:  # the ticks of the time axis
        return line(content, (text[edge:], DIM))
    columns = max(1, width - edge - 1)
    parts = []
    for column, character in enumerate(text[edge:]):
        at = -SPAN_S + SPAN_S * column / columns
        near = min(recent, key=lambda point: abs(point[0] - at), default=None)
        parts.append((character, _style(near[2]) if near else DIM))
    return line(content, *parts)


class _Graphs(Visual):
    """Curves side by side in all of the place they get."""

    def __init__(self, plotext: Any, curves: Sequence[Curve]) -> None:
        self._plotext, self._curves = plotext, curves

    def render_strips(self, width: int, height: int | None, style: Style, options: RenderOptions) -> list[Strip]:
        height = height or 6
        each = width // max(1, len(self._curves)) - 1
        if each < 12 or height < 3:
            return []
        drawn = [self._one(curve, each, height) for curve in self._curves]
        rows = [line("  ").join(parts) for parts in zip(*drawn, strict=False)]
        return stack(rows).render_strips(width, height, style, options)

    def _one(self, curve: Curve, width: int, height: int) -> list[Content]:
        title = line((curve.title, DIM)).truncate(width, ellipsis=True, pad=True)
        if self._plotext is None:
            return [title, sparkline(curve, width)]
        rows = plot(self._plotext.figure, curve, width, height - 1)
        return [title, *(row.truncate(width, pad=True) for row in rows)]

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        return container_width

    def get_height(self, rules: RulesMap, width: int) -> int:
        return 6


class Graphs(Static):
    """plotext takes a quarter of a second to import, so it is fetched after the first frame, beside the event loop.
    Where it cannot be loaded (its compiled part is missing), the curves are lines of blocks."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._plotext: Any = None
        self._curves: tuple[Curve, ...] = ()

    def on_mount(self) -> None:
        self.call_after_refresh(lambda: self.run_worker(self._fetch(), name="graph", exit_on_error=False))

    async def _fetch(self) -> None:
        def load() -> Any:
            import plotext  # type: ignore[import-untyped]

            plotext.terminal.limit(False, False)  # the place is the panel's, not what is left of the terminal
            return plotext

        try:
            self._plotext = await asyncio.to_thread(load)
        except ImportError as error:
            self.log.warning(str(error))
        self.show(self._curves)

    def show(self, curves: tuple[Curve, ...]) -> None:
        self._curves = curves
        self.update(_Graphs(self._plotext, curves), layout=False)
