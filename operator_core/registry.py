"""Subjects are found by the entry-point group `operator.subjects`; any installed package can add one."""

from __future__ import annotations

from importlib.metadata import entry_points

from operator_core.errors import UserError
from operator_protocols import Subject

GROUP = "operator.subjects"


def subject_names() -> list[str]:
    return sorted(entry.name for entry in entry_points(group=GROUP))


def load_subject(name: str) -> Subject:
    found = entry_points(group=GROUP, name=name)
    if not found:
        raise UserError(
            f"There is no subject {name!r}; choose one of: {', '.join(subject_names()) or 'none installed'}."
        )
    subject = next(iter(found)).load()
    if not isinstance(subject, Subject):
        raise UserError(f"The package that brings the subject {name!r} does not keep to operator_protocols.Subject.")
    return subject
