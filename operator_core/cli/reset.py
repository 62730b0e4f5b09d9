"""`operator reset`: clear up after a demo that crashed."""

from __future__ import annotations

from typing import Annotated

import typer

from operator_core.cli.options import StateDirOption, SubjectOption, state_of

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog="Examples:  operator reset;  operator reset --subject ratelimiter --keep-audit")
def reset(
    subject: SubjectOption = None,
    state_dir: StateDirOption = None,
    keep_audit: Annotated[bool, typer.Option("--keep-audit", help="Keep tickets, sessions and outputs.")] = False,
) -> None:
    """End what a crashed demo left running, and clear its state.

    Only processes are ended that are on record with their pid and start time. A damaged database is kept aside."""
    from operator_core.reset import reset as clear

    for sentence in clear(state_of(subject, state_dir), keep_audit=keep_audit):
        typer.echo(sentence)
