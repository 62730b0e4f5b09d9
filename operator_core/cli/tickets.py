"""`operator tickets`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, get_args

import typer

from operator_core.cli.database import (
    DatabaseOption,
    FormatOption,
    T,
    echo_json,
    echo_table,
    harmless,
    local,
    person,
    with_database,
)
from operator_core.cli.options import StateDirOption, SubjectOption, chosen_subject
from operator_core.db import Database
from operator_core.events import TicketState
from operator_core.registry import subject_name
from operator_core.tickets import LIVE, Ticket, Tickets

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, help="What was found broken.")

NumberArgument = Annotated[int, typer.Argument(metavar="NUMBER", help="The ticket.")]
NoteOption = Annotated[str, typer.Option("--note", metavar="TEXT", help="Why, for the ticket's history.")]


@app.command("list", epilog="Examples:  operator tickets list;  operator tickets list --all;  ... --state escalated")
def list_tickets(
    subject: SubjectOption = None,
    state_dir: StateDirOption = None,
    db: DatabaseOption = None,
    state: Annotated[TicketState | None, typer.Option("--state", help="Only these.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Resolved ones too.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="No more than the newest N.")] = 50,
    output: FormatOption = "text",
) -> None:
    """Tickets that are not resolved, the newest first."""
    states = (state,) if state else get_args(TicketState) if everything else LIVE
    tickets = _with(subject, state_dir, db, lambda store: store.find(states, limit))
    if output == "json":
        echo_json(tickets)
    elif not tickets:
        typer.echo("No tickets.")
    else:
        echo_table(("", "STATE", "OPENED", "SEEN", "INVARIANT", "TARGET", "SUMMARY"), [_row(each) for each in tickets])


def _row(ticket: Ticket) -> tuple[str, ...]:
    state = f"{ticket.state}{', flapping' if ticket.flapping else ''}"
    times = f"{ticket.occurrences}x"
    return (str(ticket.id), state, local(ticket.opened_at), times, ticket.invariant, ticket.target, ticket.summary)


@app.command("show", epilog="Example:  operator tickets show 3")
def show_ticket(
    number: NumberArgument,
    subject: SubjectOption = None,
    state_dir: StateDirOption = None,
    db: DatabaseOption = None,
    output: FormatOption = "text",
) -> None:
    """One ticket with its history: what changed, when, by whom."""

    async def read(store: Tickets) -> None:
        ticket, history = await store.get(number), await store.history(number)
        if output == "json":
            echo_json({"ticket": ticket, "history": history})
            return
        typer.echo(harmless(f"Ticket {ticket.id}: {ticket.invariant} {ticket.target}, {ticket.state}"))
        typer.echo(harmless(ticket.summary))
        if ticket.still_broken:
            typer.echo(harmless(f"Handed back {ticket.hand_backs}x; still broken: {ticket.still_broken}"))
        if ticket.lease_until:
            typer.echo(harmless(f"Claimed by {ticket.agent} until {local(ticket.lease_until)}"))
        typer.echo()
        rows = [(local(event.at), event.actor, event.state, event.note or event.summary) for event in history]
        echo_table(("TIME", "BY", "STATE", "NOTE"), rows)

    _with(subject, state_dir, db, read)


@app.command("resolve", epilog="Example:  operator tickets resolve 3 --note 'planned work'")
def resolve_ticket(
    number: NumberArgument,
    subject: SubjectOption = None,
    state_dir: StateDirOption = None,
    db: DatabaseOption = None,
    note: NoteOption = "",
) -> None:
    """Close a ticket by hand. If its invariant is still broken, the monitor opens another at its next look."""
    _act(subject, state_dir, db, lambda store: store.resolve(number, person(), note or "resolved by hand"))


@app.command("hold", epilog="Example:  operator tickets hold 3 --note 'I am on it'")
def hold_ticket(
    number: NumberArgument,
    subject: SubjectOption = None,
    state_dir: StateDirOption = None,
    db: DatabaseOption = None,
    note: NoteOption = "",
) -> None:
    """Keep agents off a ticket. The monitor still resolves it when the invariant holds again."""
    _act(subject, state_dir, db, lambda store: store.hold(number, person(), note))


@app.command("unhold", epilog="Example:  operator tickets unhold 3")
def unhold_ticket(
    number: NumberArgument,
    subject: SubjectOption = None,
    state_dir: StateDirOption = None,
    db: DatabaseOption = None,
    note: NoteOption = "",
) -> None:
    """Give a held ticket back to agents. An escalated one is given to them again by `hold` and then `unhold`."""
    _act(subject, state_dir, db, lambda store: store.unhold(number, person(), note))


def _act(
    subject: str | None, state_dir: Path | None, db: Path | None, change: Callable[[Tickets], Awaitable[Ticket | None]]
) -> None:
    ticket = _with(subject, state_dir, db, change)
    assert ticket is not None  # only the monitor's own changes may come to nothing
    typer.echo(harmless(f"Ticket {ticket.id} is {ticket.state}."))


def _with(subject: str | None, state_dir: Path | None, db: Path | None, work: Callable[[Tickets], Awaitable[T]]) -> T:
    name = subject_name(chosen_subject(subject))

    async def on(database: Database) -> T:
        return await work(Tickets(database, name))

    return with_database(subject, state_dir, db, on)
