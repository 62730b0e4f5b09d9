"""What stands between the model's wish and the shell: the mode, and the kill switch."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from operator_core.errors import UserError
from operator_core.events import Mode, ModeChanged
from operator_core.output import Emit


class Halted(Exception):
    """The session was ended from outside; the text says by whom or why, `name` in short."""

    name = "agent stopped"


class Killed(Halted):
    """The kill switch was used."""

    name = "kill switch"


class Gate:
    """`observe`: commands are recorded as proposed and never run. `execute`: they run."""

    def __init__(self, mode: Mode, emit: Emit) -> None:
        self._mode = _built(mode)
        self._emit = emit
        self._clock: asyncio.Timeout | None = None
        self._halt: Halted | None = None

    @property
    def mode(self) -> Mode:
        return self._mode

    @property
    def halted_by(self) -> str:
        """What ends the session under way, in short; empty while nothing does."""
        return self._halt.name if self._halt else ""

    def set_mode(self, mode: Mode, by: str) -> None:
        """Effective for the next command. `UserError` for a mode that is not there yet."""
        if _built(mode) != self._mode:
            self._mode = mode
            self._emit(ModeChanged(mode=mode, by=by))

    def kill(self, by: str) -> bool:
        """The kill switch: no further command runs, the running one is hung up on, the session ends. Gives whether
        there was a session."""
        self.set_mode("observe", by)
        return self.halt(Killed(f"The kill switch was used by {by}."))

    def halt(self, why: Halted) -> bool:
        """End the session that is under way, if there is one."""
        if self._clock is None or self._halt is not None:
            return False
        self._halt = why
        self._clock.reschedule(asyncio.get_running_loop().time())
        return True

    @contextlib.asynccontextmanager
    async def session(self, wall_s: float) -> AsyncIterator[None]:
        """Raises `Halted` out of the block when it is ended from outside, `TimeoutError` after `wall_s`."""
        self._halt = None
        try:
            async with asyncio.timeout(wall_s) as self._clock:
                yield
        except TimeoutError:
            if self._halt is not None:
                raise self._halt from None
            raise
        finally:
            self._clock = None


def _built(mode: Mode) -> Mode:
    if mode == "approve":
        raise UserError("The mode approve is not built yet; choose observe or execute.")
    return mode
