"""How soon the demo is there, and what it costs while nothing happens.

    scripts/bench-stage.py ratelimiter --starts 5 --minutes 1

Runs the application in a pseudo-terminal of 160x48 as a user would, and prints: seconds to the first frame and to a
healthy cluster (medians); then, over the minutes given, the CPU of application and daemons in percent of one core apart
from what serves the load (the subject's own services), and their memory in MiB after the first and at the end of the
last tenth of the time.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

import psutil

from operator_core.events import LabReady, Observed, decode
from operator_core.state import RunState, reduce

DAEMONS = ("operator_demo", "operator_core.cli")
HEALTHY_WITHIN_S = 60.0


class Show:
    """The application on a terminal of its own."""

    def __init__(self, subject: str, root: Path) -> None:
        self.root, self.subject = root, subject
        self.started = time.monotonic()
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 48, 160, 0, 0))
        command = [sys.executable, "-m", "operator_demo", subject, "--agent", "scripted", "--state-dir", str(root)]
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        os.close(slave)
        self.terminal = master
        self.read = b""

    def drain(self, seconds: float) -> None:
        """Take what the application writes, as a terminal does."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if not select.select([self.terminal], [], [], left)[0]:
                continue
            try:
                self.read = (self.read + os.read(self.terminal, 65536))[-1_000_000:]
            except OSError:  # the application has left the terminal
                time.sleep(left)

    def first_frame(self) -> float:
        """Until the application has drawn its frame: the first cell of a panel's border is on the terminal."""
        while "─".encode() not in self.read and time.monotonic() - self.started < HEALTHY_WITHIN_S:
            self.drain(0.01)
        return time.monotonic() - self.started

    def healthy(self) -> float:
        while time.monotonic() - self.started < HEALTHY_WITHIN_S:
            self.drain(0.05)
            if self.state().healthy:
                return time.monotonic() - self.started
        raise TimeoutError("the cluster did not become healthy")

    def state(self) -> RunState:
        state = RunState()
        for file in sorted((self.root / self.subject / "logs").glob("events-*.jsonl"))[-1:]:
            for line in file.read_bytes().splitlines():
                event = decode(line)
                if isinstance(event, LabReady | Observed):
                    state = reduce(state, event)
        return state

    def overhead(self) -> dict[int, psutil.Process]:
        """Application and daemons, without the subject's services."""
        family = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]
        return {process.pid: process for process in family if any(name in process.cmdline() for name in DAEMONS)}

    def leave(self) -> None:
        os.write(self.terminal, b"q")
        while self.process.poll() is None:
            self.drain(0.1)
            if time.monotonic() - self.started > 7200:
                self.process.send_signal(signal.SIGKILL)
        os.close(self.terminal)


def cpu_seconds(processes: dict[int, psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes.values())


def memory(processes: dict[int, psutil.Process]) -> float:
    return sum(process.memory_info().rss for process in processes.values()) / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("subject")
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=1.0)
    options = parser.parse_args()

    frames, healthy = [], []
    for _ in range(options.starts):
        with tempfile.TemporaryDirectory(prefix="operator-bench-") as root:
            show = Show(options.subject, Path(root))
            frames.append(show.first_frame())
            healthy.append(show.healthy())
            show.leave()
    print(f"first frame      median {statistics.median(frames):.2f} s, worst {max(frames):.2f} s of {len(frames)}")
    print(f"cluster healthy  median {statistics.median(healthy):.2f} s, worst {max(healthy):.2f} s of {len(healthy)}")

    with tempfile.TemporaryDirectory(prefix="operator-bench-") as root:
        show = Show(options.subject, Path(root))
        show.healthy()
        show.drain(10)
        seconds = options.minutes * 60
        processes = show.overhead()
        began, cpu = time.monotonic(), cpu_seconds(processes)
        show.drain(seconds / 10)
        early = memory(processes)
        show.drain(seconds * 9 / 10)
        used = (cpu_seconds(processes) - cpu) / (time.monotonic() - began)
        late = memory(processes)
        show.leave()
    print(f"idle             {100 * used:.1f} % of one core over {options.minutes:g} min, {len(processes)} processes")
    print(f"memory           {early:.0f} MiB after a tenth, {late:.0f} MiB at the end, ratio {late / early:.2f}")


if __name__ == "__main__":
    main()
