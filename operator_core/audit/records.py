"""Sessions and entries as they are kept.

What an entry of each kind holds (a JSON object; readers ignore what they do not know):

    session_started  {ticket, attempt, agent, model, mode, worker}
    reasoning        {text}
    tool_call        {tool, command, reasoning, effect}        written before it runs
    tool_result      {call, exit_status, seconds, stdout, stderr, ended_by, kept}      `call`: the entry of the call
    usage            {model, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_usd}
    decision         {by, path, verdict, reason}               of a person or a policy
    mode             {mode, by}
    error            {message}
    conclusion       {text, summary}
    session_ended    {outcome, summary}
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from operator_core.events import Outcome

Kind = Literal[
    "session_started",
    "reasoning",
    "tool_call",
    "tool_result",
    "usage",
    "decision",
    "mode",
    "error",
    "conclusion",
    "session_ended",
]
SessionOutcome = Outcome


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One link of the chain. `content` as it was given to `Audit.append`; `hash` and `previous` are hexadecimal."""

    id: int
    session: int | None
    at: datetime
    kind: Kind
    content: dict[str, Any]
    previous: str
    hash: str


class Head(msgspec.Struct, frozen=True):
    """The newest entry. Kept elsewhere, its hash later proves that nothing up to it was cut or rewritten."""

    entry: int
    hash: str


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One agent run on a ticket, with figures from its entries. `ended_at` and `outcome` are None while it runs.
    `cost_usd` is an estimate, None where no price was known."""

    id: int
    subject: str
    ticket: int
    attempt: int
    agent: str
    model: str
    mode: str
    worker: str
    started_at: datetime
    ended_at: datetime | None
    outcome: SessionOutcome | None
    summary: str
    entries: int
    commands: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
