"""`operator audit`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from operator_core.audit import Audit, Entry, Session, SessionOutcome, verify
from operator_core.cli.database import (
    DatabaseOption,
    FormatOption,
    echo_json,
    echo_table,
    harmless,
    local,
    with_database,
)
from operator_core.cli.options import StateDirOption, SubjectOption
from operator_core.cli.story import told
from operator_core.db import Database
from operator_core.errors import UserError
from operator_core.registry import subject_name

app = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode=None, help="What the agent thought, did and saw."
)


@app.command(
    "list", epilog="Examples:  operator audit list;  ... --ticket 3;  ... --outcome escalated --since 2026-01-31"
)
def list_sessions(
    subject: SubjectOption = None,
    state_dir: StateDirOption = None,
    db: DatabaseOption = None,
    ticket: Annotated[int | None, typer.Option("--ticket", metavar="NUMBER", help="Only sessions on it.")] = None,
    outcome: Annotated[SessionOutcome | None, typer.Option("--outcome", help="Only sessions that ended so.")] = None,
    since: Annotated[
        datetime | None, typer.Option("--since", help="Only sessions that began then or later; local time.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="At most so many.")] = 50,
    page: Annotated[int, typer.Option("--page", min=1, metavar="N", help="The N-th so many.")] = 1,
    output: FormatOption = "text",
) -> None:
    """Sessions, the newest first, each with its commands, tokens and estimated cost."""
    sessions = with_database(
        subject,
        state_dir,
        db,
        lambda database: Audit(database).sessions(
            subject=subject and subject_name(subject),
            ticket=ticket,
            outcome=outcome,
            since=since and since.astimezone(UTC),
            limit=limit,
            offset=(page - 1) * limit,
        ),
    )
    if output == "json":
        echo_json(sessions)
    elif not sessions:
        typer.echo("No sessions.")
    else:
        header = ("", "TICKET", "BEGAN", "SECONDS", "AGENT", "MODE", "OUTCOME", "COMMANDS", "TOKENS", "COST", "SUMMARY")
        echo_table(header, [_row(session) for session in sessions])


def _row(session: Session) -> tuple[str, ...]:
    return (
        str(session.id),
        f"{session.ticket}, attempt {session.attempt}" if session.attempt > 1 else str(session.ticket),
        local(session.started_at),
        f"{(session.ended_at - session.started_at).total_seconds():.0f}" if session.ended_at else "-",
        session.agent,
        session.mode,
        session.outcome or "running",
        str(session.commands),
        f"{session.input_tokens} in, {session.output_tokens} out",
        "-" if session.cost_usd is None else f"${session.cost_usd:.4f}",
        session.summary,
    )


@app.command("show", epilog="Examples:  operator audit show 7;  operator audit show 7 --output json")
def show_session(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="The session.")],
    subject: SubjectOption = None,
    state_dir: StateDirOption = None,
    db: DatabaseOption = None,
    output: FormatOption = "text",
) -> None:
    """One session as it went: reasoning, commands and outputs in full, tokens, conclusion."""

    async def read(database: Database) -> tuple[Session, list[Entry]]:
        audit = Audit(database)
        return await audit.session(number), await audit.entries(number)

    session, entries = with_database(subject, state_dir, db, read)
    if output == "json":
        echo_json({"session": session, "entries": entries})
    else:
        typer.echo(harmless("\n".join(told(session, entries))))


@app.command("head", epilog="Example:  operator audit head   (keep what it prints; give it to `verify --head` later)")
def print_head(
    subject: SubjectOption = None,
    state_dir: StateDirOption = None,
    db: DatabaseOption = None,
    output: FormatOption = "text",
) -> None:
    """The hash of the newest entry. Kept elsewhere, it later proves that nothing was cut off or written anew."""
    head = with_database(subject, state_dir, db, lambda database: Audit(database).head())
    if output == "json":
        echo_json(head)
    else:
        typer.echo(f"{head.hash}  entry {head.entry}")


@app.command("verify", epilog="Examples:  operator audit verify;  operator audit verify --head 3b1f...")
def verify_chain(
    subject: SubjectOption = None,
    state_dir: StateDirOption = None,
    db: DatabaseOption = None,
    head: Annotated[
        str | None, typer.Option("--head", metavar="HASH", help="A head noted earlier, which must still be there.")
    ] = None,
    output: FormatOption = "text",
) -> None:
    """Compute the chain of hashes anew. Ends with status 1, and says where, if the record was tampered with."""
    if head is not None and (len(head) != 64 or set(head.lower()) - set("0123456789abcdef")):
        raise UserError("--head takes the 64 hexadecimal digits that `operator audit head` prints.")
    verdict = with_database(subject, state_dir, db, lambda database: verify(database, head and head.lower()))
    if output == "json":
        echo_json(verdict)
    elif verdict.flaw:
        typer.echo(f"TAMPERED WITH at entry {verdict.flaw.entry}: {verdict.flaw.what}.")
    else:
        typer.echo(f"Whole: {verdict.entries} entries; head {verdict.head.hash}.")
    if verdict.flaw:
        raise typer.Exit(1)
