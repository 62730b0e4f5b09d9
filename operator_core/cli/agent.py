"""`operator agent`."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from operator_core.cli.database import DatabaseOption
from operator_core.cli.options import (
    DieWithParentOption,
    OutputOption,
    StateDirOption,
    SubjectOption,
    chosen_subject,
    state_of,
)
from operator_core.daemon import Daemon, run
from operator_core.events import Mode
from operator_core.registry import load_subject

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="The daemon that takes tickets and repairs what is broken.",
)


@app.callback()
def agent() -> None:
    """The daemon that takes tickets and repairs what is broken."""


@app.command(
    "run",
    epilog="Examples:  operator agent run --subject ratelimiter;  operator agent run --agent claude --mode execute",
)
def run_agent(
    subject: SubjectOption = None,
    state_dir: StateDirOption = None,
    agent: Annotated[
        Literal["auto", "claude", "scripted"],
        typer.Option("--agent", help="auto is claude where ANTHROPIC_API_KEY is set.", show_choices=True),
    ] = "auto",
    mode: Annotated[
        Mode | None,
        typer.Option(
            "--mode",
            help="observe only proposes commands. Without it: scripted executes, claude observes.",
            show_choices=True,
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", envvar="OPERATOR_MODEL", metavar="NAME", help="The model of claude.")
    ] = None,
    db: DatabaseOption = None,
    turns: Annotated[int, typer.Option("--turns", min=1, help="Answers of the model a session may take.")] = 40,
    time: Annotated[float, typer.Option("--time", min=1, metavar="SECONDS", help="How long a session may take.")] = 900,
    cost: Annotated[
        float, typer.Option("--cost", min=0, metavar="USD", help="What a session may cost, by list price.")
    ] = 5,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="Times a command may be asked for in a row.")] = 3,
    pace: Annotated[
        float,
        typer.Option(
            "--pace", min=0, envvar="OPERATOR_PACE", metavar="SECONDS", help="The longest answer of the scripted model."
        ),
    ] = 1.2,
    output: OutputOption = "text",
    die_with_parent: DieWithParentOption = False,
) -> None:
    """Take tickets and work on them, one at a time. Ends on Ctrl-C or SIGTERM; a budget that is used up escalates."""
    from operator_core.agent.budgets import Budget
    from operator_core.agent.daemon import Settings, serve

    system = load_subject(chosen_subject(subject))
    state = state_of(subject, state_dir)
    settings = Settings.chosen(agent, model, mode, db or state.database, Budget(turns, time, cost, repeats), pace)

    async def main(daemon: Daemon) -> int:
        return await serve(daemon, system, state, settings)

    sys.exit(run("agent", state, main, output=output, die_with_parent=die_with_parent))
