"""The options that several commands share, and what they mean."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from operator_core.errors import UserError
from operator_core.output import Output
from operator_core.paths import StateDir
from operator_core.registry import subject_name, subject_names

SubjectOption = Annotated[
    str | None,
    typer.Option(
        "--subject",
        envvar="OPERATOR_SUBJECT",
        metavar="NAME",
        help="The system under operation; may be left out where one is installed.",
    ),
]
StateDirOption = Annotated[
    Path | None,
    typer.Option(
        "--state-dir", envvar="OPERATOR_STATE_DIR", metavar="DIR", help="Where state is kept, if not in the XDG folder."
    ),
]
OutputOption = Annotated[
    Output, typer.Option("--output", help="Events as readable text, or as one JSON object a line.", show_choices=True)
]
DieWithParentOption = Annotated[
    bool, typer.Option("--die-with-parent", help="End cleanly as soon as standard input comes to its end.")
]


def chosen_subject(subject: str | None) -> str:
    """The subject that was asked for, or the only one there is."""
    if subject is not None:
        return subject
    names = subject_names()
    if len(names) != 1:
        raise UserError(f"Say which subject with --subject: {', '.join(names) or 'none is installed'}.")
    return names[0]


def state_of(subject: str | None, root: Path | None) -> StateDir:
    """The state folder for what --subject and --state-dir say."""
    return StateDir.of(subject_name(chosen_subject(subject)), root)
