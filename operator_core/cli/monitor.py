"""`operator monitor`."""

from __future__ import annotations

import sys
from typing import Annotated

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
from operator_core.monitor.watch import watch
from operator_core.registry import load_subject

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="The daemon that watches a lab and keeps the tickets.",
)


@app.callback()
def monitor() -> None:
    """The daemon that watches a lab and keeps the tickets."""


@app.command(
    "run",
    epilog="Examples:  operator monitor run --subject ratelimiter;  operator monitor run --interval 0.5 --output jsonl",
)
def run_monitor(
    subject: SubjectOption = None,
    state_dir: StateDirOption = None,
    interval: Annotated[float, typer.Option("--interval", metavar="SECONDS", help="From one look to the next.")] = 1.0,
    db: DatabaseOption = None,
    output: OutputOption = "text",
    die_with_parent: DieWithParentOption = False,
) -> None:
    """Watch the running lab; wait for one if there is none. Ends on Ctrl-C or SIGTERM."""
    system = load_subject(chosen_subject(subject))
    state = state_of(subject, state_dir)

    async def main(daemon: Daemon) -> int:
        await watch(system, state.lab_file, db or state.database, interval, daemon.emit)
        return 0

    sys.exit(run("monitor", state, main, output=output, die_with_parent=die_with_parent))
