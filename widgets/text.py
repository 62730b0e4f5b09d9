"""Text as the panels draw it: cleaned of what could reach the terminal, never read as markup, laid out in cells.

Everything that comes from outside passes through `plain`, here and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from textual.content import Content
from textual.css.styles import RulesMap
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual

from operator_protocols import Level

LINE_KEPT = 1_000
"""Characters of one line that are drawn; a screen has no use for more."""

DIM = "$text-muted"
GOOD = "$text-success"
WARN = "$text-warning"
BAD = "bold $text-error"
STRONG = "bold $foreground"
ACCENT = "bold $text-accent"

SYMBOLS = {Level.OK: "●", Level.WARN: "▲", Level.BAD: "✖", Level.UNKNOWN: "?"}
STYLES = {Level.OK: GOOD, Level.WARN: WARN, Level.BAD: BAD, Level.UNKNOWN: WARN}
LINE_STYLES = {"info": "", "good": GOOD, "warning": WARN, "bad": BAD}

_SEQUENCE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_].*?(?:\x1b\\|\x07|$)|[ -/]*[0-~])|\x9b[0-?]*[ -/]*[@-~]", re.S
)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


def plain(text: str) -> str:
    """`text` without terminal sequences and control characters, each line cut to a length that can be drawn."""
    if "\x1b" in text or "\x9b" in text:
        text = _SEQUENCE.sub("", text)
    text = text.replace("\r\n", "\n").replace("\r", "\n").expandtabs(4)
    text = _CONTROL.sub("", text)
    if len(text) > LINE_KEPT:
        return "\n".join(_cut(line) for line in text.split("\n"))
    return text


def _cut(line: str) -> str:
    over = len(line) - LINE_KEPT
    return line if over <= 0 else f"{line[:LINE_KEPT]} … ({over:,} more characters)"


def flat(text: str) -> str:
    """`plain`, on one line."""
    return " ".join(plain(text).split())


def line(*parts: str | Content | tuple[str, str]) -> Content:
    """Content from texts and (text, style), each cleaned. `Content` passes as it is."""
    clean: list[Content | tuple[str, str]] = [
        part if isinstance(part, Content) else (plain(part), "") if isinstance(part, str) else (plain(part[0]), part[1])
        for part in parts
    ]
    return Content.assemble(*clean)


def cell(text: str, width: int, style: str = "") -> Content:
    """One line of exactly `width` cells, cut with an ellipsis or filled up at its right."""
    return line((flat(text), style)).truncate(width, ellipsis=True, pad=True)


def right(text: str, width: int, style: str = "") -> Content:
    """`cell`, filled up at its left."""
    content = line((flat(text), style)).truncate(width, ellipsis=True)
    return content.pad_left(max(0, width - content.cell_length))


def spread(left: Content, right: Content, width: int) -> Content:
    """`left` and `right` at the two ends of a line; `left` gives way."""
    room = max(0, width - right.cell_length - 1)
    return Content.assemble(left.truncate(room, ellipsis=True, pad=True), " ", right)


def indent(text: Content, width: int, first: Content, rest: Content) -> list[Content]:
    """`text` wrapped behind a gutter: `first` before its first line, `rest` before the others."""
    lines = text.wrap(max(4, width - first.cell_length))
    return [Content.assemble(first if number == 0 else rest, part) for number, part in enumerate(lines)]


def stack(lines: Sequence[Content]) -> Content:
    return Content("\n").join(lines)


class Fitted(Visual):
    """Content that is laid out anew for each width it is given."""

    def __init__(self, lay_out: Callable[[int], Content]) -> None:
        self._lay_out = lay_out
        self._laid: tuple[int, Content] | None = None

    def _fit(self, width: int) -> Content:
        if self._laid is None or self._laid[0] != width:
            self._laid = (width, self._lay_out(width))
        return self._laid[1]

    def render_strips(self, width: int, height: int | None, style: Style, options: RenderOptions) -> list[Strip]:
        return self._fit(width).render_strips(width, height, style, options) if width > 0 else []

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        return container_width

    def get_height(self, rules: RulesMap, width: int) -> int:
        return self._fit(width).get_height(rules, width) if width > 0 else 0


def clock(at: datetime | None) -> str:
    """Local time of day."""
    return "--:--:--" if at is None else at.astimezone().strftime("%H:%M:%S")


def elapsed(since: datetime | None, now: datetime | None) -> str:
    """ "2:05", or "1:02:05" from an hour on."""
    if since is None or now is None:
        return "0:00"
    seconds = max(0, int((now - since) / timedelta(seconds=1)))
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def age(since: datetime, now: datetime | None) -> str:
    """ "7 s", "3 min", "2 h": one unit is enough to tell new from old."""
    seconds = 0 if now is None else max(0, int((now - since).total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 3600 else f"{seconds // 3600} h"


def figure(value: float) -> str:
    """A rate or a count in as few characters as say it: "0", "4.2", "37", "1,204"."""
    if value == 0 or abs(value) >= 10 or float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:.1f}"


def milliseconds(value: float | None) -> str:
    """ "-" while nothing was answered."""
    if value is None:
        return "-"
    return f"{value:.1f}" if value < 10 else f"{value:,.0f}"
