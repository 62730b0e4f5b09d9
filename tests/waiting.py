"""Waiting for what is to come true, instead of sleeping."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable

LOOK_EVERY_S = 0.02


async def until(
    condition: Callable[[], bool | Awaitable[bool]], within_s: float = 10.0, what: str = "the condition"
) -> None:
    """Come back once `condition` is true; fail the test with `what` was awaited after `within_s`."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + within_s
    while True:
        met = condition()
        if inspect.isawaitable(met):
            met = await met
        if met:
            return
        if clock() > deadline:
            raise AssertionError(f"waited {within_s:g} s in vain for {what}")
        await asyncio.sleep(LOOK_EVERY_S)
