"""A terminal can go away: its window is closed, the connection drops. The clean-up must come to its end all the same."""

from __future__ import annotations

import os

from textual.drivers.linux_driver import LinuxDriver


def let_go() -> None:
    """From now on output goes nowhere and input never comes, instead of errors and an end of file without end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    silence, _ = os.pipe()  # its other end stays open, so that reading waits
    os.dup2(silence, 0)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


class TerminalDriver(LinuxDriver):
    """Textual's thread that writes ends at the first error, after which a full queue would stop the application."""

    def write(self, data: str) -> None:
        if self._writer_thread is None or self._writer_thread.is_alive():
            super().write(data)
