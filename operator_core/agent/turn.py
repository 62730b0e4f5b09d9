"""One answer of the model, heard while it streams."""

from __future__ import annotations

from collections.abc import Callable

import anthropic
import httpx2
from anthropic.lib.streaming import BetaAsyncMessageStream
from anthropic.types.beta import BetaMessage, BetaUsage

from operator_core.agent.models import Usage
from operator_core.agent.terminal import Cleaner, clean


class Broken(Exception):
    """The answer did not come to its end, or cannot be read; nothing of it was acted on."""


# What the SDK raises when a stream holds events that make no sense together.
_NONSENSE = (ValueError, TypeError, LookupError, AttributeError, RuntimeError, AssertionError)

Thinks = Callable[[str, bool], None]
"""`thinks(delta, done)`: a piece of text, cleaned for a screen; `done` at the end of a paragraph."""


async def hear(stream: BetaAsyncMessageStream[None], thinks: Thinks) -> tuple[BetaMessage, Usage]:
    """The whole answer; what it says and, where the model shows it, thinks, goes to `thinks` as it comes. `Broken`."""
    cleaner, ended = Cleaner(), False
    try:
        async for event in stream:
            if event.type == "text":
                thinks(cleaner.feed(event.text), False)
            elif event.type == "thinking":
                thinks(cleaner.feed(event.thinking), False)
            elif event.type == "content_block_stop" and event.content_block.type in ("text", "thinking"):
                thinks(cleaner.flush(), True)
            elif event.type == "message_stop":
                ended = True
        if not ended:
            raise Broken("the model's answer broke off")
        message = await stream.get_final_message()
        return message, usage_of(message.usage)
    except (anthropic.APIError, httpx2.HTTPError) as error:
        raise Broken(f"the model's answer broke off ({clean(str(error))[:200]})") from error
    except _NONSENSE as error:
        raise Broken(f"the model's answer cannot be read ({clean(str(error))[:200]})") from error


def usage_of(usage: BetaUsage) -> Usage:
    return Usage(
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_creation_input_tokens or 0,
        usage.cache_read_input_tokens or 0,
    )
