"""The monitor's view of the lab: which one runs, and a connection to it that follows when another takes its place."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import msgspec

from operator_core.lab.wire import LabFile
from operator_core.processes import Identity, alive
from operator_protocols import Observation, Observer, Subject

CONNECT_WITHIN_S = 5.0


class CannotSee(Exception):
    """The look failed as a whole; the text says why."""


def running_lab(file: Path) -> LabFile:
    """The lab that runs here. `CannotSee` where none does."""
    try:
        lab = msgspec.json.decode(file.read_bytes(), type=LabFile)
    except FileNotFoundError:
        raise CannotSee("no lab is running here yet") from None
    except (OSError, msgspec.DecodeError) as error:
        raise CannotSee(f"{file} cannot be read: {error}") from error
    if not alive(Identity(lab.pid, lab.started)):
        raise CannotSee("the lab that ran here is gone")
    return lab


class View:
    """Observes the lab that `lab_file` tells of. `timeout_s` is what the observer is given for a look; one that has not
    come back after twice that time is given up."""

    def __init__(self, subject: Subject, lab_file: Path, timeout_s: float) -> None:
        self._subject = subject
        self._lab_file = lab_file
        self._timeout_s = timeout_s
        self._observer: Observer | None = None
        self.lab: LabFile | None = None

    async def look(self) -> Observation:
        """`CannotSee` if there is no lab, it cannot be connected to, or the look failed or took too long."""
        lab = running_lab(self._lab_file)
        if lab != self.lab:
            await self.aclose()
            self.lab = lab
        try:
            if self._observer is None:
                async with asyncio.timeout(CONNECT_WITHIN_S):
                    self._observer = await self._subject.observer(lab.endpoints, self._timeout_s)
            async with asyncio.timeout(2 * self._timeout_s):
                return await self._observer.observe()
        except TimeoutError as error:
            raise CannotSee(str(error) or "the look took too long") from error
        except Exception as error:  # the subject's code may raise anything; whatever it is, nothing was seen
            raise CannotSee(f"{type(error).__name__}: {error}") from error

    async def aclose(self) -> None:
        observer, self._observer = self._observer, None
        if observer is not None:
            with contextlib.suppress(OSError):  # its connections may be broken, which is why it is closed
                await observer.aclose()
