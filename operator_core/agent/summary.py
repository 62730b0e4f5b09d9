"""One line for a list: what a long text says."""

from __future__ import annotations

import asyncio

import anthropic
from anthropic import AsyncAnthropic

from operator_core.agent.conclusion import Verdict
from operator_core.agent.models import SUMMARY_MODEL, Usage
from operator_core.agent.session import Session
from operator_core.agent.terminal import clean

LONG = 600
"""Characters up to which a text's first sentence will do."""
WITHIN_S = 15.0

_ASK = "Say in one plain sentence of at most 25 words what was wrong and what came of it. No Markdown. The text:\n\n"


async def summed_up(verdict: Verdict, client: AsyncAnthropic, session: Session) -> Verdict:
    """With a line by the small model in place of the first sentence, where the text is long. The first sentence stays
    where that model cannot be had, and the audit says so."""
    if len(verdict.text) < LONG:
        return verdict
    try:
        async with asyncio.timeout(WITHIN_S):
            message = await client.messages.create(
                model=SUMMARY_MODEL, max_tokens=2000, messages=[{"role": "user", "content": _ASK + verdict.text}]
            )
    except (anthropic.APIError, TimeoutError) as error:
        await session.error(f"no summary by {SUMMARY_MODEL}: {error or 'no answer in time'}")
        return verdict
    used = message.usage
    await session.used(
        SUMMARY_MODEL,
        Usage(
            used.input_tokens,
            used.output_tokens,
            used.cache_creation_input_tokens or 0,
            used.cache_read_input_tokens or 0,
        ),
    )
    said = clean(" ".join("".join(block.text for block in message.content if block.type == "text").split()))
    return verdict.summed_up(said) if said else verdict
