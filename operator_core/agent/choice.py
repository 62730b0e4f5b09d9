"""Which agent plays. Apart from the agents themselves, so that asking does not load the model's SDK."""

from __future__ import annotations

import os
from typing import Literal

from operator_core.errors import UserError

AgentName = Literal["claude", "scripted"]


def chosen_agent(wanted: Literal["auto", "claude", "scripted"]) -> AgentName:
    """`auto` is claude where there is a key. `UserError` for claude without one."""
    has_key = bool(os.environ.get("ANTHROPIC_API_KEY"))
    if wanted == "claude" and not has_key:
        raise UserError("The agent claude needs an API key: set ANTHROPIC_API_KEY, or choose --agent scripted.")
    return "claude" if wanted == "claude" or (wanted == "auto" and has_key) else "scripted"
