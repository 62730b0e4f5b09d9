"""`operator stop`: the kill switch."""

from __future__ import annotations

import asyncio

import typer

from operator_core.agent.orders import tell
from operator_core.cli.database import person
from operator_core.cli.options import StateDirOption, SubjectOption, state_of

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog="Example:  operator stop --subject ratelimiter")
def stop(subject: SubjectOption = None, state_dir: StateDirOption = None) -> None:
    """The kill switch: the agent's running command dies, its session ends, and from then on it only observes."""
    answer = asyncio.run(tell(state_of(subject, state_dir), "stop", by=person()))
    ended = "its session is ended" if answer["session_ended"] else "it had no session"
    typer.echo(f"The agent is stopped: {ended}, and its mode is {answer['mode']}.")
