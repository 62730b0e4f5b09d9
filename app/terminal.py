"""A terminal can go away: its window is closed, the connection drops. The clean-up must be finished all the same."""

from __future__ import annotations

import os
from typing import Any

from textual.drivers.linux_driver import LinuxDriver


def let_go() -> None:
    """From now on output goes nowhere and input never comes, instead of errors and an end of file without end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    silence, _ = os.pipe()  # its other end stays open, so that it is never ready to be read
    os.set_blocking(silence, False)  # and a read that had begun does not wait in it
    os.dup2(silence, 0)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


class TerminalDriver(LinuxDriver):
    """Textual's driver, where the terminal may go away."""

    def write(self, data: str) -> None:
        """Its writing thread ends at the first error; the queue that nobody empties would stop the application."""
        if self._writer_thread is None or self._writer_thread.is_alive():
            super().write(data)

    def run_input_thread(self) -> None:
        try:
            super().run_input_thread()
        except OSError:  # nobody can type any more
            self._app.call_later(self._app.action_quit)

    def _sigcont_application(self, *_: Any) -> None:
        """A hang-up brings SIGCONT too, which is no reason to start reading and writing a second time."""
        if self._must_signal_resume:
            super()._sigcont_application()
