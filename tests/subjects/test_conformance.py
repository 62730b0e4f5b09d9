"""Every installed subject, put through the conformance suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from operator_core.registry import load_subject, subject_names
from operator_protocols import Subject
from tests.subjects import conformance


@pytest.fixture(params=subject_names())
def subject(request: pytest.FixtureRequest) -> Subject:
    return load_subject(request.param)


def test_it_has_the_shape_of_a_subject(subject: Subject) -> None:
    conformance.check_shape(subject)


def test_its_faults_break_invariants_that_it_has(subject: Subject) -> None:
    conformance.check_faults(subject)


def test_its_services_can_be_started(subject: Subject, tmp_path: Path) -> None:
    conformance.check_services(subject, tmp_path)


def test_it_refuses_unknown_options_with_a_sentence(subject: Subject) -> None:
    conformance.check_options(subject)


def test_its_briefing_tells_where_everything_is_and_nothing_of_what_will_break(
    subject: Subject, tmp_path: Path
) -> None:
    conformance.check_briefing(subject, tmp_path)
