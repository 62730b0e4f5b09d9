"""Every installed subject, put through the conformance suite."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from operator_core.registry import load_subject, subject_names
from operator_protocols import Fault, Subject
from tests.subjects import conformance
from tests.subjects.labs import Labs


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


FAULTS = [(load_subject(name), fault) for name in subject_names() for fault in load_subject(name).faults]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def labs(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Labs]:
    labs = Labs(tmp_path_factory.mktemp("labs"))
    yield labs
    await labs.aclose()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("owner", "fault"), FAULTS, ids=[f"{owner.name}-{fault.name}" for owner, fault in FAULTS])
async def test_a_fault_breaks_what_it_says_and_is_undone_whole(labs: Labs, owner: Subject, fault: Fault) -> None:
    lab = await labs.of(owner)
    await lab.until_whole(looks=1)
    await conformance.check_plan_changes_nothing(lab, fault)
    await conformance.check_fault(lab, fault)
