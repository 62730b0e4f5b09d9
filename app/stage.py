"""What a screen may ask of the demo behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from chapters import Chapter
from operator_core.events import AnyEvent
from operator_core.state import RunState
from operator_protocols import Fault

Listener = Callable[[RunState, AnyEvent], None]
"""Called in the event loop after each event, with the state that it led to."""


class Stage(Protocol):
    @property
    def state(self) -> RunState: ...

    @property
    def chapters(self) -> Sequence[Chapter]: ...

    @property
    def faults(self) -> Sequence[Fault]: ...

    async def run(self, listener: Listener) -> None:
        """Play until `leave`. Starts the daemons, forwards their events, and cleans up whatever way it ends."""
        ...

    async def leave(self) -> None:
        """End the run: heal every fault, stop every process. Events go on until it is done."""
        ...

    async def forward(self) -> str:
        """The next chapter. Gives "" or a sentence that says what the show still waits for."""
        ...

    async def back(self) -> str: ...

    async def inject(self, fault: str) -> str:
        """Begin the countdown of a fault from the menu. "" or why it cannot be done now."""
        ...

    async def abort(self) -> str:
        """Stop a running countdown."""
        ...

    async def heal(self) -> str:
        """Take every injected fault back, on the audience's eyes."""
        ...

    async def kill_switch(self) -> str:
        """The agent's running command dies and its mode becomes observe."""
        ...
