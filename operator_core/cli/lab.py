"""`operator lab`: the lab for people, and for the agent, which calls it `lab` in its shell."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from operator_core.cli.options import (
    DieWithParentOption,
    OutputOption,
    StateDirOption,
    SubjectOption,
    chosen_subject,
    state_of,
)
from operator_core.errors import UserError
from operator_core.lab.client import LabClient
from operator_core.lab.wire import FaultRow, ServiceRow

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="The services of a subject: run them, look at them, break them.",
    epilog="""\b
Examples:
  operator lab up --subject ratelimiter     start a lab and come back when it is ready
  operator lab ps                           what runs, and where
  operator lab logs node-2 -n 50 -f         the end of a log, and what follows
  operator lab restart node-2               stop it and start it again
  operator lab exec 'curl -s 127.0.0.1:...' run a command in the lab's shell
  operator lab inject --list                the faults that there are
  operator lab inject kill-node             break something
  operator lab heal                         undo every fault
  operator lab down                         end it""",
)

OptionOption = Annotated[
    list[str] | None,
    typer.Option("--option", metavar="NAME=VALUE", help="A setting of the subject's services; may be repeated."),
]
SeedOption = Annotated[int | None, typer.Option("--seed", help="Makes the choice of a fault's target repeatable.")]
Names = Annotated[list[str], typer.Argument(metavar="NAME", help="Services, as `ps` lists them.")]
T = TypeVar("T")


@app.command(epilog="Example:  operator lab run --subject ratelimiter --option nodes=5")
def run(
    subject: SubjectOption = None,
    state_dir: StateDirOption = None,
    option: OptionOption = None,
    seed: SeedOption = None,
    output: OutputOption = "text",
    die_with_parent: DieWithParentOption = False,
) -> None:
    """Run a lab in the foreground until Ctrl-C or SIGTERM.

    Then its faults are healed, and everything is stopped."""
    from operator_core import daemon
    from operator_core.lab.server import run_lab
    from operator_core.registry import load_subject
    from operator_protocols import LabError

    given_as = chosen_subject(subject)
    system = load_subject(given_as)
    state = state_of(given_as, state_dir)
    options = _as_mapping(option or [])

    async def main(frame: daemon.Daemon) -> int:
        await run_lab(frame, state, system, given_as, options, seed)
        return 0

    try:
        sys.exit(daemon.run("lab", state, main, output=output, die_with_parent=die_with_parent))
    except LabError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


@app.command(epilog="Example:  operator lab up --subject ratelimiter --option nodes=5")
def up(
    subject: SubjectOption = None,
    state_dir: StateDirOption = None,
    option: OptionOption = None,
    seed: SeedOption = None,
) -> None:
    """Start a lab in the background; wait until it is ready."""
    from operator_core.lab.background import start
    from operator_core.lock import holder

    given_as = chosen_subject(subject)
    state = state_of(given_as, state_dir)
    if (pid := holder(state.lab_lock)) is not None:
        typer.echo(f"A lab of {given_as} runs here already (pid {pid}).")
        return
    arguments = [f"--option={name}={value}" for name, value in _as_mapping(option or []).items()]
    if seed is not None:
        arguments.append(f"--seed={seed}")
    status = start(state, given_as, arguments, typer.echo)
    if status:
        raise typer.Exit(status)


@app.command(epilog="Example:  operator lab ps")
def ps(subject: SubjectOption = None, state_dir: StateDirOption = None) -> None:
    """List the services.

    State, process, time since the start, addresses, and how each ended the last time."""
    rows = _ask(subject, state_dir, lambda lab: lab.ps())
    header = ("NAME", "ROLE", "STATE", "PID", "UPTIME", "ADDRESSES", "TITLE", "LAST EXIT")
    typer.echo(_table([header, *(_cells(row) for row in rows)]))


@app.command(epilog="Example:  operator lab logs node-2 -n 50 -f")
def logs(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A service, as `ps` lists them.")],
    lines: Annotated[int, typer.Option("-n", "--lines", min=0, help="So many of the last lines.")] = 100,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on with what comes, until Ctrl-C.")] = False,
    subject: SubjectOption = None,
    state_dir: StateDirOption = None,
) -> None:
    """Show the log of a service.

    Also of one that has ended, and of a lab that has."""
    from operator_core.lab.logs import following, last_lines

    state = state_of(subject, state_dir)
    there = sorted(file.stem for file in state.logs.glob("*.log"))
    if name not in there:
        raise UserError(f"There is no log of {name!r}; there are: {', '.join(there) or 'none yet'}.")
    log = state.logs / f"{name}.log"
    end = log.stat().st_size
    for line in last_lines(log, lines):
        typer.echo(line)
    if follow:
        for text in following(log, end):
            typer.echo(text, nl=False)


@app.command("start", epilog="Example:  operator lab start node-2")
def start_(names: Names, subject: SubjectOption = None, state_dir: StateDirOption = None) -> None:
    """Start services, and come back when they are ready."""
    _each(names, subject, state_dir, lambda lab, name: lab.start(name))


@app.command(epilog="Example:  operator lab stop node-2")
def stop(names: Names, subject: SubjectOption = None, state_dir: StateDirOption = None) -> None:
    """Stop services: SIGTERM, and SIGKILL after their grace."""
    _each(names, subject, state_dir, lambda lab, name: lab.stop(name))


@app.command(epilog="Example:  operator lab restart node-2")
def restart(names: Names, subject: SubjectOption = None, state_dir: StateDirOption = None) -> None:
    """Stop services and start them again: same ports and data."""
    _each(names, subject, state_dir, lambda lab, name: lab.restart(name))


@app.command(epilog="Example:  operator lab kill node-2")
def kill(names: Names, subject: SubjectOption = None, state_dir: StateDirOption = None) -> None:
    """Kill services (SIGKILL). They stay dead until somebody starts them."""
    _each(names, subject, state_dir, lambda lab, name: lab.kill(name))


@app.command(epilog="Example:  operator lab pause node-2")
def pause(names: Names, subject: SubjectOption = None, state_dir: StateDirOption = None) -> None:
    """Stop services in their tracks (SIGSTOP).

    Their ports accept, and nothing answers."""
    _each(names, subject, state_dir, lambda lab, name: lab.pause(name))


@app.command(epilog="Example:  operator lab resume node-2")
def resume(names: Names, subject: SubjectOption = None, state_dir: StateDirOption = None) -> None:
    """Let paused services run on (SIGCONT)."""
    _each(names, subject, state_dir, lambda lab, name: lab.resume(name))


@app.command(
    "exec",
    context_settings={"allow_interspersed_args": False},
    epilog="Examples:  operator lab exec 'ps aux | grep node';  operator lab exec -- curl -s 127.0.0.1:20000/healthz",
)
def exec_(
    command: Annotated[list[str], typer.Argument(metavar="COMMAND", help="A line for bash, or separate words.")],
    cwd: Annotated[str, typer.Option("--cwd", metavar="DIR", help="Where to run it.")] = "",
    limit: Annotated[float, typer.Option("--limit", metavar="SECONDS", min=0.1, help="Killed after that.")] = 120.0,
    subject: SubjectOption = None,
    state_dir: StateDirOption = None,
) -> None:
    """Run a command in the lab's shell.

    Its output and exit status are passed on; the status is 124 at the time limit.
    What it leaves in the background is killed when it ends."""
    line = command[0] if len(command) == 1 else shlex.join(command)
    streams = {"stdout": sys.stdout, "stderr": sys.stderr}

    def show(stream: str, text: str) -> None:
        streams[stream].write(text)
        streams[stream].flush()

    end = _ask(subject, state_dir, lambda lab: lab.exec(line, show, cwd=cwd, limit_s=limit))
    if end.exit_status is None:
        typer.echo(f"The command was killed: {end.ended_by}, {limit:g} s.", err=True)
        raise typer.Exit(124)
    raise typer.Exit(end.exit_status)


@app.command(epilog="Examples:  operator lab inject --list;  operator lab inject kill-node")
def inject(
    fault: Annotated[str, typer.Argument(metavar="[FAULT]", help="Which; see --list.")] = "",
    show: Annotated[bool, typer.Option("--list", help="List the faults, and where they are injected now.")] = False,
    subject: SubjectOption = None,
    state_dir: StateDirOption = None,
) -> None:
    """Break something, until `heal` or the fault's time limit."""
    if show:
        typer.echo("\n".join(_described(row) for row in _ask(subject, state_dir, lambda lab: lab.faults())))
    elif fault:
        typer.echo(_ask(subject, state_dir, lambda lab: lab.inject(fault)))
    else:
        raise UserError("Say which fault to inject; `operator lab inject --list` shows them.")


@app.command(epilog="Example:  operator lab heal")
def heal(subject: SubjectOption = None, state_dir: StateDirOption = None) -> None:
    """Undo every fault that is injected."""
    healed = _ask(subject, state_dir, lambda lab: lab.heal())
    typer.echo("\n".join(f"Undone: {fault}." for fault in healed) or "No fault is injected.")


@app.command(epilog="Example:  operator lab down")
def down(subject: SubjectOption = None, state_dir: StateDirOption = None) -> None:
    """Heal the faults, stop everything, wait until it is gone."""
    state = state_of(subject, state_dir)
    _ask(subject, state_dir, lambda lab: lab.down(state))
    typer.echo("The lab is down.")


def _ask(subject: str | None, state_dir: Path | None, work: Callable[[LabClient], Awaitable[T]]) -> T:
    """Do it with the lab that runs, on behalf of OPERATOR_ACTOR, which is set in the agent's shell."""
    client = LabClient.open(state_of(subject, state_dir), os.environ.get("OPERATOR_ACTOR", "operator lab"))

    async def asking() -> T:
        return await work(client)

    return asyncio.run(asking())


def _each(
    names: list[str], subject: str | None, state_dir: Path | None, work: Callable[[LabClient, str], Awaitable[str]]
) -> None:
    async def all_of_them(lab: LabClient) -> None:
        for name in names:
            typer.echo(await work(lab, name))

    _ask(subject, state_dir, all_of_them)


def _as_mapping(options: list[str]) -> dict[str, str]:
    pairs = [option.partition("=") for option in options]
    if wrong := [name for name, sign, _ in pairs if not (name and sign)]:
        raise UserError(f"--option {wrong[0]!r} is not NAME=VALUE.")
    return {name: value for name, _, value in pairs}


def _cells(row: ServiceRow) -> tuple[str, ...]:
    addresses = ",".join(f"{port}={address}" for port, address in row.ports.items())
    uptime = "" if row.uptime_s is None else _duration(row.uptime_s)
    cells = (row.name, row.role, row.state, str(row.pid or ""), uptime, addresses, row.title, row.last_exit)
    return tuple(cell or "-" for cell in cells)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{rest:02}s" if minutes else f"{rest}s"


def _table(rows: list[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _described(row: FaultRow) -> str:
    now = f"  (injected into {', '.join(row.targets)})" if row.targets else ""
    undone = f"Undone by {row.undone_by}, after {row.limit_s:g} s at most."
    return "\n    ".join((f"{row.name}{now}", row.says, row.looks_like, undone))
