"""A real terminal: however the application ends, it cleans up first and gives the terminal back."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.waiting import until

ROOT = Path(__file__).parents[2]


class Terminal:
    """A pseudo-terminal with the application in it; `written` is everything that it wrote."""

    def __init__(self, note: Path) -> None:
        self.note = note
        self.written = b""
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.before = termios.tcgetattr(slave)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.app.on_a_terminal", str(note)],
            cwd=ROOT,
            env={**os.environ, "TERM": "xterm-256color"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        self.slave: int | None = slave
        os.set_blocking(self.master, False)

    def read(self) -> bytes:
        with suppress(OSError):  # nothing there yet, or nobody any more
            self.written += os.read(self.master, 1 << 16)
        return self.written

    async def plays(self) -> None:
        await until(lambda: b"verified" in self.read(), within_s=20, what="the story on the terminal")

    async def ended(self) -> int:
        def over() -> bool:
            if self.master >= 0:
                self.read()
            return self.process.poll() is not None

        await until(over, within_s=20, what="the end of the application")
        return self.process.returncode

    def close(self) -> None:
        """Close the window."""
        for end in (self.slave, self.master):
            if end is not None and end >= 0:
                os.close(end)
        self.slave, self.master = None, -1


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    opened = Terminal(tmp_path / "note")
    yield opened
    if opened.process.poll() is None:
        opened.process.kill()
    opened.process.wait()
    opened.close()


@pytest.mark.parametrize("how", ["q", "ctrl+c", "SIGTERM", "SIGINT"])
async def test_it_cleans_up_and_gives_the_terminal_back(terminal: Terminal, how: str) -> None:
    await terminal.plays()
    if how.startswith("SIG"):
        terminal.process.send_signal(signal.Signals[how])
    else:
        os.write(terminal.master, b"q" if how == "q" else b"\x03")
    status = await terminal.ended()
    terminal.read()
    assert status == 0, terminal.written[-2000:].decode(errors="replace")
    assert terminal.note.read_text() == "left"
    for restored in (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1003l"):  # screen, cursor, mouse
        assert restored in terminal.written
    assert terminal.slave is not None
    assert termios.tcgetattr(terminal.slave)[:4] == terminal.before[:4]


async def test_a_second_interrupt_does_not_cut_the_clean_up_short(terminal: Terminal) -> None:
    await terminal.plays()
    os.write(terminal.master, b"\x03")
    await until(lambda: terminal.note.exists() and bool(terminal.read()), what="the clean-up begun")
    os.write(terminal.master, b"\x03\x03")
    terminal.process.send_signal(signal.SIGINT)
    assert await terminal.ended() == 0
    assert terminal.note.read_text() == "left"


async def test_closing_the_window_cleans_up(terminal: Terminal) -> None:
    await terminal.plays()
    terminal.close()
    assert await asyncio.wait_for(terminal.ended(), 20) == 0
    assert terminal.note.read_text() == "left"
