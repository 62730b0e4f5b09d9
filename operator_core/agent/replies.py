"""What the model is told about a command that it asked for: one line of how it ended, then what it wrote."""

from __future__ import annotations

import re
from dataclasses import dataclass

OBSERVE = "observe mode"


@dataclass(frozen=True, slots=True)
class Reply:
    """`exit_status` is None when the command did not end by itself; `ended_by` then says why. A command that was not
    run at all has `ended_by` "observe mode"."""

    exit_status: int | None
    seconds: float
    ended_by: str = ""
    output: str = ""
    kept: str = ""

    def text(self) -> str:
        if self.ended_by == OBSERVE:
            return (
                "not run: observe mode. The command was recorded as proposed. Do not repeat it; "
                "propose what else is needed, or conclude with what a person should run."
            )
        end = f"ended by {self.ended_by}" if self.exit_status is None else f"exit status {self.exit_status}"
        kept = f"; the full output is kept as {self.kept}" if self.kept else ""
        return f"{end} after {self.seconds:.1f} s{kept}\n{self.output}"


_FIRST_LINE = re.compile(r"(?:exit status (-?\d+)|ended by (.+?)) after [\d.]+ s(?:; .*)?")


def read_reply(text: str) -> Reply:
    """The reply that this text tells of, without its time. `ValueError` if it is none."""
    first, _, output = text.partition("\n")
    if first.startswith("not run: observe mode"):
        return Reply(None, 0.0, OBSERVE)
    match = _FIRST_LINE.fullmatch(first)
    if match is None:
        raise ValueError(f"this does not begin like the end of a command: {first[:80]}")
    status, ended_by = match.groups()
    return Reply(None if status is None else int(status), 0.0, ended_by or "", output)
