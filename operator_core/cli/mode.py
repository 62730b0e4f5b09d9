"""`operator mode`: what the agent may do."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from operator_core.agent.orders import tell
from operator_core.cli.database import person
from operator_core.cli.options import StateDirOption, SubjectOption, state_of
from operator_core.events import Mode

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog="Example:  operator mode observe")
def mode(
    mode: Annotated[Mode, typer.Argument(help="observe only proposes commands, execute runs them.", show_choices=True)],
    subject: SubjectOption = None,
    state_dir: StateDirOption = None,
) -> None:
    """Set the mode of the running agent, from its next command on."""
    answer = asyncio.run(tell(state_of(subject, state_dir), "mode", mode=mode, by=person()))
    typer.echo(f"The agent's mode is {answer['mode']}.")
