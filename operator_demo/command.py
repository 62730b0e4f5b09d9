"""The command line of the demo: reads it, refuses what cannot work, and opens the door."""

from __future__ import annotations

import asyncio
import random
import shutil
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from operator_core.errors import UserError
from operator_core.registry import load_subject, subject_names

EXAMPLES = """
Examples:

  operator-demo ratelimiter                        the show, by key press

  operator-demo ratelimiter --fault kill-store     with another fault

  operator-demo ratelimiter --autoplay             moves on by itself

  operator-demo ratelimiter --headless             prints; 0 if all went well

Settings may come from the environment (see above) or from a file .env here.
"""
Deployment = Literal["auto", "processes", "compose", "attach"]
Agent = Literal["auto", "claude", "scripted", "none"]
ModeName = Literal["observe", "approve", "execute"]

app = typer.Typer(
    add_completion=False, rich_markup_mode="rich", context_settings={"help_option_names": ["-h", "--help"]}
)


@app.command(epilog=EXAMPLES)
def demo(
    subject: Annotated[
        str, typer.Argument(help=f"What is operated: {', '.join(subject_names())}.", envvar="OPERATOR_SUBJECT")
    ] = "",
    fault: Annotated[
        str,
        typer.Option(
            envvar="OPERATOR_FAULT", help="The fault to inject instead of the script's.", rich_help_panel="The show"
        ),
    ] = "",
    autoplay: Annotated[
        bool, typer.Option("--autoplay", help="Move on without key presses.", rich_help_panel="The show")
    ] = False,
    headless: Annotated[
        bool,
        typer.Option(
            "--headless",
            help="Print events instead of drawing; plays by itself and ends with a summary.",
            rich_help_panel="The show",
        ),
    ] = False,
    chapters: Annotated[
        Path | None,
        typer.Option(
            envvar="OPERATOR_CHAPTERS",
            metavar="DIR",
            help="A folder of your own chapters.",
            rich_help_panel="The show",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            envvar="OPERATOR_SEED", help="Makes the choice of targets repeatable.", rich_help_panel="The show"
        ),
    ] = None,
    deployment: Annotated[
        Deployment, typer.Option(envvar="OPERATOR_DEPLOYMENT", help="Where the lab runs.", rich_help_panel="The lab")
    ] = "auto",
    state_dir: Annotated[
        Path | None,
        typer.Option(
            envvar="OPERATOR_STATE_DIR",
            metavar="DIR",
            help="Where state is kept; else the XDG state folder.",
            rich_help_panel="The lab",
        ),
    ] = None,
    agent: Annotated[
        Agent,
        typer.Option(
            envvar="OPERATOR_AGENT",
            help="Who repairs. auto: claude where ANTHROPIC_API_KEY is set, else the scripted stand-in.",
            rich_help_panel="The agent",
        ),
    ] = "auto",
    mode: Annotated[
        ModeName | None,
        typer.Option(
            envvar="OPERATOR_MODE",
            help="What the agent may do. Without a sandbox claude only observes, unless you say execute.",
            rich_help_panel="The agent",
        ),
    ] = None,
    db: Annotated[
        Path | None,
        typer.Option(
            envvar="OPERATOR_DB",
            metavar="FILE",
            help="Tickets and audit; else a file in the state folder.",
            rich_help_panel="The agent",
        ),
    ] = None,
) -> int:
    """An AI operator at work on a distributed system: it breaks on a countdown, and is repaired before your eyes."""
    from app.demo import Demo, Settings
    from chapters import ChapterError, load, shipped
    from operator_core.agent.choice import chosen_agent
    from operator_core.lock import only_one
    from operator_core.paths import StateDir

    if not subject:
        raise UserError(f"Say which subject: {', '.join(subject_names())}.")
    if deployment in ("compose", "attach"):
        raise UserError(f"The deployment {deployment} is not built yet; use --deployment processes.")
    if mode == "approve":
        raise UserError("The mode approve is not built yet; use --mode observe or --mode execute.")
    chosen = load_subject(subject)
    known = [fault.name for fault in chosen.faults]
    if fault and fault not in known:
        raise UserError(f"{subject} has no fault {fault!r}; choose one of: {', '.join(known)}.")
    try:
        show = load(chapters if chapters is not None else shipped(subject))
    except ChapterError as error:
        raise UserError(str(error)) from error
    for chapter in show:
        if isinstance(chapter.fault, str) and chapter.fault not in known:
            raise UserError(
                f"The chapter {chapter.title!r} wants the fault {chapter.fault!r}; {subject} has none such."
            )
    if not headless:
        check_terminal()
    state = StateDir.of(chosen.name, state_dir)
    if agent != "none":
        agent = chosen_agent(agent)
    settings = Settings(
        subject=chosen,
        deployment="processes",
        agent=agent,
        mode=mode,
        fault=fault or known[0],
        chapters=show,
        state_root=state_dir,
        database=db.expanduser().absolute() if db is not None else state.database,
        seed=seed if seed is not None else random.randrange(1_000_000),
        unattended=autoplay or headless,
        reading=not headless,
    )
    with only_one(
        state.root / "demo.lock", "A demo runs here already (pid {pid}); leave it with q, or use --state-dir."
    ):
        asyncio.run(check_database(settings.database))
        stage = Demo(settings, state)
        if headless:
            from app.headless import run

            return asyncio.run(run(stage))
        from app.application import OperatorApp

        application = OperatorApp(stage)
        application.run()
    if stage.failure:
        raise UserError(stage.failure)
    return application.return_code or 0


def check_terminal() -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UserError("This is not a terminal; use --headless to print instead of drawing.")
    from textual.geometry import Size

    from app.screens.small import NEEDED, fits

    size = Size(*shutil.get_terminal_size())
    if not fits(size):
        raise UserError(
            f"The terminal has {size.width}x{size.height}, and the demo needs {NEEDED.width}x{NEEDED.height}; "
            "enlarge it, or use --headless."
        )


async def check_database(path: Path) -> None:
    """Say now, and in one sentence, what would otherwise stop both daemons."""
    if path.exists():
        from operator_core.db import Database

        async with await Database.open(path, create=False):
            pass
