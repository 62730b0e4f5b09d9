"""Subjects are found by the entry-point group `operator.subjects`; any installed package can add one.

A subject that is not registered yet can be named by where it is, as an entry point would: "package.module:ATTRIBUTE".
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from operator_core.errors import UserError
from operator_protocols import Subject

GROUP = "operator.subjects"


def subject_names() -> list[str]:
    return sorted(entry.name for entry in entry_points(group=GROUP))


def subject_name(subject: str) -> str:
    """The word that stands for a subject in paths, from what was given on the command line. Checks that it is there."""
    return load_subject(subject).name if ":" in subject else _registered(subject).name


def load_subject(subject: str) -> Subject:
    """The subject of this name, or at this "package.module:ATTRIBUTE"."""
    loaded = _at(subject) if ":" in subject else _registered(subject).load()
    if not isinstance(loaded, Subject):
        raise UserError(f"The subject {subject!r} does not keep to operator_protocols.Subject.")
    return loaded


def _registered(name: str) -> EntryPoint:
    for entry in entry_points(group=GROUP, name=name):
        return entry
    raise UserError(f"There is no subject {name!r}; choose one of: {', '.join(subject_names()) or 'none installed'}.")


def _at(place: str) -> Any:
    try:
        return EntryPoint(place, place, GROUP).load()
    except (ModuleNotFoundError, AttributeError, ValueError) as error:
        raise UserError(f"There is no subject at {place!r}: {error}.") from error
