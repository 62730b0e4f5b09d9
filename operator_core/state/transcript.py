"""The fold of the agent's part: its session, and what it thought, ran and concluded, in blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from operator_core.events import (
    AgentWaiting,
    AnyEvent,
    CommandFinished,
    CommandOutput,
    CommandStarted,
    ModeChanged,
    ModelUsed,
    SessionEnded,
    SessionStarted,
    Thought,
)
from operator_core.state.model import (
    OUTPUT_KEPT,
    TRANSCRIPT_BLOCKS,
    Block,
    Command,
    Notice,
    RunState,
    Session,
    Thoughts,
    Usage,
    Verdict,
)


def reduce(state: RunState, event: AnyEvent) -> RunState:
    match event:
        case SessionStarted():
            session = Session(event.session, event.ticket, event.attempt, event.at)
            said = f"Session {event.session}: ticket {event.ticket}" + (
                f", attempt {event.attempt}" if event.attempt > 1 else ""
            )
            return _append(replace(state, session=session, waiting=""), Notice(said))
        case Thought():
            return _think(replace(state, waiting=""), event)
        case CommandStarted():
            return _append(state, Command(event.entry, event.command, event.reasoning, event.effect))
        case CommandOutput():
            return _change(state, event.entry, lambda block: _more_output(block, event.chunk))
        case CommandFinished():
            return _change(
                state,
                event.entry,
                lambda block: replace(
                    block, exit_status=event.exit_status, seconds=event.seconds, ended_by=event.ended_by
                ),
            )
        case ModelUsed():
            return replace(state, usage=add_usage(state.usage, event))
        case AgentWaiting():
            said = event.text.removeprefix("agent: ")
            return _append(replace(state, waiting=said), Notice(said, "warning"))
        case ModeChanged():
            return _append(state, Notice(f"Mode {event.mode}, set by {event.by}", "warning"))
        case SessionEnded():
            return _end(state, event)
    return state


def add_usage(usage: Usage, event: ModelUsed) -> Usage:
    cost = None if usage.cost_usd is None or event.cost_usd is None else usage.cost_usd + event.cost_usd
    read = event.input_tokens + event.cache_read_tokens + event.cache_write_tokens
    return Usage(usage.input_tokens + read, usage.output_tokens + event.output_tokens, cost)


def _append(state: RunState, block: Block) -> RunState:
    blocks = (*state.transcript, block)
    over = max(0, len(blocks) - TRANSCRIPT_BLOCKS)
    return replace(state, transcript=blocks[over:], transcript_dropped=state.transcript_dropped + over)


def _think(state: RunState, event: Thought) -> RunState:
    last = state.transcript[-1] if state.transcript else None
    if isinstance(last, Thoughts) and not last.done:
        merged = Thoughts(last.text + event.delta, event.done)
        return replace(state, transcript=(*state.transcript[:-1], merged))
    return _append(state, Thoughts(event.delta, event.done)) if event.delta else state


def _change(state: RunState, entry: int, change: Callable[[Command], Command]) -> RunState:
    blocks = list(state.transcript)
    for index in range(len(blocks) - 1, -1, -1):
        block = blocks[index]
        if isinstance(block, Command) and block.entry == entry:
            blocks[index] = change(block)
            return replace(state, transcript=tuple(blocks))
    return state


def _more_output(block: Command, chunk: str) -> Command:
    output = block.output + chunk
    over = max(0, len(output) - OUTPUT_KEPT)
    return replace(block, output=output[over:], cut=block.cut + over)


def _end(state: RunState, event: SessionEnded) -> RunState:
    session = replace(state.session, outcome=event.outcome) if state.session else None
    last = state.transcript[-1] if state.transcript else None
    if isinstance(last, Thoughts):  # the conclusion has streamed in as thoughts: show it once
        state = replace(state, transcript=state.transcript[:-1])
    verdict = Verdict(event.outcome, event.summary, event.conclusion, event.evidence)
    return _append(replace(state, session=session, waiting=""), verdict)
