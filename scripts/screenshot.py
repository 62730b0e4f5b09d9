#!/usr/bin/env python3
"""A picture of a recorded run: `scripts/screenshot.py EVENTS.jsonl --at verified --size 160x48 -o out.svg`."""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from pathlib import Path

from app.application import OperatorApp
from app.moments import MOMENTS, until
from app.playback import Playback
from chapters import ChapterError, load, shipped
from operator_core.events import AnyEvent, DemoStarted, decode

CELL = 12.2
"""Width of one character in Rich's SVG."""

_WEB_FONTS = re.compile(r"@font-face \{.*?\}\n?", re.DOTALL)
_INDENTED = re.compile(r'x="([\d.]+)" y="([\d.]+)" textLength="([\d.]+)"([^>]*)>((?:&#160;)+)')


def read(file: Path) -> list[AnyEvent]:
    events: list[AnyEvent] = []
    for number, line in enumerate(file.read_bytes().splitlines(), start=1):
        try:
            events.append(decode(line))
        except ValueError as error:
            raise SystemExit(f"{file}, line {number}: no event: {error}") from error
    return events


async def draw(events: list[AnyEvent], folder: Path, size: tuple[int, int], keys: list[str], theme: str) -> str:
    app = OperatorApp(Playback(events, load(folder)))
    async with app.run_test(size=size) as pilot:
        if theme:
            app.theme = theme
        await pilot.pause(0.3)
        await app.workers.wait_for_complete([worker for worker in app.workers if worker.name == "graph"])
        for key in keys:
            await pilot.press(key)
        await pilot.pause(0.5)
        return portable(app.export_screenshot(title="operator-demo"))


def portable(svg: str) -> str:
    """Not every renderer keeps the blanks that a text begins with: they become its position. Fonts that are there."""

    def moved(match: re.Match[str]) -> str:
        x, y, length, rest, blanks = match.groups()
        by = CELL * blanks.count("&#160;")
        return f'x="{float(x) + by:.1f}" y="{y}" textLength="{max(0.0, float(length) - by):.1f}"{rest}>'

    local = _WEB_FONTS.sub("", svg)  # a picture that is shown as one may not load anything
    return _INDENTED.sub(moved, local).replace("Fira Code, monospace", "Fira Code, DejaVu Sans Mono, monospace")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("events", type=Path, metavar="EVENTS.jsonl")
    parser.add_argument("--at", default="end", help=f"{', '.join(MOMENTS)}, end, or seconds after the start (+12.5)")
    parser.add_argument("--size", default="160x48", help="columns x lines (default: 160x48)")
    parser.add_argument("--chapters", type=Path, help="folder of chapters (default: the subject's own)")
    parser.add_argument("--press", default="", help="keys to press first, with commas between them")
    parser.add_argument("--theme", default="", help="a theme other than the default")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.svg")
    given = parser.parse_args()
    found = re.fullmatch(r"(\d+)x(\d+)", given.size)
    if not found:
        parser.error("--size is like 160x48")
    try:
        events = until(read(given.events), given.at)
        started = next((event for event in events if isinstance(event, DemoStarted)), None)
        folder = given.chapters or shipped(started.subject if started else "")
        keys = [key for key in given.press.split(",") if key]
        svg = asyncio.run(draw(events, folder, (int(found[1]), int(found[2])), keys, given.theme))
    except (OSError, ValueError, KeyError, ChapterError) as error:
        parser.error(f"{error}")
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
