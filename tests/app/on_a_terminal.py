"""The application in a terminal of its own, for tests that end it: plays the story, and notes that it was left."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from app.application import OperatorApp
from app.playback import Playback
from tests.app import story


class Noted(Playback):
    note = Path(sys.argv[1])

    async def leave(self) -> None:
        self.note.write_text("leaving")
        await asyncio.sleep(0.5)  # a clean-up takes its time, and the screen is drawn meanwhile
        self.note.write_text("left")
        await super().leave()


if __name__ == "__main__":
    app = OperatorApp(Noted(story.run(), story.CHAPTERS))
    app.run()
    sys.exit(app.return_code)
