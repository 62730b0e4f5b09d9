"""What the agent says: its thoughts, its commands and what they gave, as they come."""

from __future__ import annotations

from typing import Literal

from operator_core.events.base import Event

Mode = Literal["observe", "approve", "execute"]
Effect = Literal["reads", "changes"]
Outcome = Literal["verifying", "escalated", "interrupted", "failed"]


class AgentStarted(Event, frozen=True, tag="agent_started"):
    """`agent`: "claude" or "scripted"; the screen always says which."""

    agent: str
    model: str
    mode: Mode

    @property
    def text(self) -> str:
        return f"agent: {self.agent} ({self.model}), mode {self.mode}"


class ModeChanged(Event, frozen=True, tag="mode_changed"):
    mode: Mode
    by: str

    @property
    def text(self) -> str:
        return f"agent: mode {self.mode}, set by {self.by}"


class SessionStarted(Event, frozen=True, tag="session_started"):
    session: int
    ticket: int
    attempt: int = 1

    @property
    def text(self) -> str:
        return f"agent: session {self.session} on ticket {self.ticket}, attempt {self.attempt}"


class Thought(Event, frozen=True, tag="thought"):
    """A piece of the model's text as it streams. `done` marks the end of a paragraph that belongs together."""

    session: int
    delta: str
    done: bool = False

    @property
    def text(self) -> str:
        return f"agent: {self.delta}"


class CommandStarted(Event, frozen=True, tag="command_started"):
    """The audit entry of this command is already on disk under the number `entry`.

    `effect`: `reads` only when every part of it is known to change nothing."""

    session: int
    entry: int
    command: str
    reasoning: str
    effect: Effect

    @property
    def text(self) -> str:
        return f"agent: $ {self.command}    # {self.reasoning}"


class CommandOutput(Event, frozen=True, tag="command_output"):
    """Some output as it comes, cleaned of terminal control sequences."""

    session: int
    entry: int
    stream: Literal["stdout", "stderr"]
    chunk: str

    @property
    def text(self) -> str:
        return f"agent:   {self.chunk.rstrip()}"


class CommandFinished(Event, frozen=True, tag="command_finished"):
    """`exit_status` is None when the command did not end by itself; `ended_by` then says why ("time limit",
    "kill switch", "agent stopped", "observe mode": proposed and never run). `kept` is the file with the full output
    where it was cut for the model."""

    session: int
    entry: int
    exit_status: int | None
    seconds: float
    ended_by: str = ""
    kept: str = ""

    @property
    def text(self) -> str:
        end = self.ended_by or f"exit {self.exit_status}"
        return f"agent:   [{end}, {self.seconds:.1f} s]"


class ModelUsed(Event, frozen=True, tag="model_used"):
    """Tokens of one model response. `cost_usd` is an estimate by list price, None where the price is not known."""

    session: int
    model: str
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cost_usd: float | None = None

    @property
    def text(self) -> str:
        cost = "" if self.cost_usd is None else f", about ${self.cost_usd:.4f}"
        return f"agent: {self.input_tokens} tokens in, {self.output_tokens} out{cost}"


class AgentWaiting(Event, frozen=True, tag="agent_waiting"):
    """The model could not be reached or refused for now; tried again after `retry_s`."""

    why: str
    retry_s: float

    @property
    def text(self) -> str:
        return f"agent: {self.why}; trying again in {self.retry_s:.0f} s"


class SessionEnded(Event, frozen=True, tag="session_ended"):
    """`conclusion`: the diagnosis, Markdown. `summary`: one line of it. `evidence` is False when the agent concluded
    without having run a command."""

    session: int
    ticket: int
    outcome: Outcome
    conclusion: str
    summary: str
    seconds: float
    commands: int
    evidence: bool = True

    @property
    def text(self) -> str:
        return f"agent: session {self.session} {self.outcome} after {self.seconds:.0f} s: {self.summary}"


AgentEvent = (
    AgentStarted
    | ModeChanged
    | SessionStarted
    | Thought
    | CommandStarted
    | CommandOutput
    | CommandFinished
    | ModelUsed
    | AgentWaiting
    | SessionEnded
)
