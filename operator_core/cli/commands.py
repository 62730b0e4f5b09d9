"""The commands of `operator`: a module of this package for each, imported when it is called."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

COMMANDS = {
    "lab": "The services of a subject: run them, look at them, break them.",
    "monitor": "The daemon that watches a lab and keeps the tickets.",
    "agent": "The daemon that takes tickets and repairs what is broken.",
    "stop": "The kill switch: the agent's command dies, and from then on it only observes.",
    "mode": "What the agent may do: observe or execute.",
    "tickets": "What was found broken.",
    "audit": "What the agent thought, did and saw.",
    "reset": "End what a crashed demo left behind, and clear its state.",
}
"""Each is a module here that has its Typer application as `app`, and what `operator --help` says of it."""


class _LazyGroup(TyperGroup):
    """Knows its commands by name and imports the one that is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        return typer.main.get_command(import_module(f"{__package__}.{cmd_name}").app)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


app = typer.Typer(cls=_LazyGroup, no_args_is_help=True, add_completion=False, rich_markup_mode=None)


@app.callback()
def operator() -> None:
    """Watch a distributed system, let an agent repair it, and keep the record."""
