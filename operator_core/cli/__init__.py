"""The `operator` command: how a command line of ours is run, and how it ends."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from operator_core.errors import UserError

if TYPE_CHECKING:
    import typer


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """The console script."""
    try:
        from operator_core.cli.commands import app  # here, so that a Ctrl-C while it loads ends quietly, too
    except KeyboardInterrupt:
        sys.exit(130)
    run_app(app, "operator", arguments)


def run_app(application: typer.Typer, name: str, arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command line to the end of the process: 0 or its own status, 2 with one sentence for bad input, 130 for
    Ctrl-C."""
    try:
        import typer

        from operator_core.settings import load_env_file

        load_env_file()
        command = typer.main.get_command(application)
        status = command.main(arguments, prog_name=name, standalone_mode=False)
    except UserError as error:
        _refuse(str(error))
    except typer.TyperException as error:
        _refuse(error.format_message())
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
    sys.exit(status)


def _refuse(sentence: str) -> NoReturn:
    sys.stderr.write(f"{sentence}\n")
    sys.exit(2)
