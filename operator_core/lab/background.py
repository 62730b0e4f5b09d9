"""A lab that runs on when the command that started it has ended."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable

import msgspec

from operator_core.events import LabReady, decode
from operator_core.paths import StateDir

LOOK_EVERY_S = 0.05


def start(state: StateDir, subject: str, arguments: list[str], say: Callable[[str], None]) -> int:
    """Start `operator lab run` detached, its output in logs/lab.log; tell how it goes, and come back when the lab is
    ready, with 0, or has failed to start, with its exit status. Interrupted, it ends the lab first."""
    log = state.logs / "lab.log"
    command = [sys.executable, "-m", "operator_core.cli", "lab", "run", "--output", "jsonl"]
    with log.open("wb") as out:
        lab = subprocess.Popen(
            [*command, "--subject", subject, "--state-dir", str(state.root.parent), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        with log.open("rb") as lines:
            while True:
                ended = lab.poll()  # before reading: nothing is written after the end
                while line := lines.readline():
                    if _tell(line, say):
                        return 0
                if ended is not None:
                    return ended
                time.sleep(LOOK_EVERY_S)
    except KeyboardInterrupt:
        lab.send_signal(signal.SIGINT)
        lab.wait()
        raise


def _tell(line: bytes, say: Callable[[str], None]) -> bool:
    """Whether the line says that the lab is ready."""
    try:
        event = decode(line)
    except msgspec.DecodeError:
        say(line.decode(errors="replace").rstrip())
        return False
    say(event.text)
    return isinstance(event, LabReady)
