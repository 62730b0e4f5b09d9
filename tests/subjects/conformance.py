"""What any subject is held to. A subject's own tests say the rest.

Used by `test_conformance.py` for every installed subject; a package of its own can call the same functions.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from operator_protocols import Address, Endpoint, Endpoints, Fault, Invariant, Plan, Service, Subject
from tests.subjects.labs import Watched

WORD = re.compile(r"[a-z][a-z0-9-]*")
NAME = re.compile(r"[a-z][a-z0-9_]*")


class Wired:
    """The wiring of a lab that does not run: every port has a number."""

    def __init__(self, services: Iterable[Service], data_dir: Path) -> None:
        ports = iter(range(20_000, 30_000))
        self.data_dir = data_dir
        self.endpoints = Endpoints(
            tuple(
                Endpoint(
                    service.name, service.role, {port: Address("127.0.0.1", next(ports)) for port in service.ports}
                )
                for service in services
            )
        )


def check_shape(subject: Subject) -> None:
    assert isinstance(subject, Subject)
    assert WORD.fullmatch(subject.name)
    assert subject.title
    assert subject.invariants
    assert subject.faults
    assert all(isinstance(invariant, Invariant) for invariant in subject.invariants)
    assert all(isinstance(fault, Fault) for fault in subject.faults)
    _unique(invariant.name for invariant in subject.invariants)
    _unique(fault.name for fault in subject.faults)
    for invariant in subject.invariants:
        assert NAME.fullmatch(invariant.name)
        assert invariant.title
        assert invariant.open_after_s >= 0
        assert invariant.close_after_s > 0, "a single good look is no proof of a repair"


def check_faults(subject: Subject) -> None:
    known = {invariant.name for invariant in subject.invariants}
    for fault in subject.faults:
        assert WORD.fullmatch(fault.name)
        assert fault.breaks, f"{fault.name} breaks nothing"
        assert set(fault.breaks) <= known, f"{fault.name} breaks what does not exist"
        assert fault.limit_s > 0
        for text in (fault.says, fault.looks_like, fault.undone_by):
            assert text.strip()
            assert "\n" not in text, f"{fault.name}: one line each"


def check_services(subject: Subject, tmp_path: Path) -> None:
    """The graph can be started in some order, and every command can be made."""
    services = subject.services({})
    _unique(service.name for service in services)
    started: set[str] = set()
    left = list(services)
    while left:
        next_ones = [service for service in left if set(service.after) <= started]
        assert next_ones, f"no way to start {[service.name for service in left]}"
        started |= {service.name for service in next_ones}
        left = [service for service in left if service.name not in started]
    wired = Wired(services, tmp_path)
    for service in services:
        assert WORD.fullmatch(service.name)
        assert service.role
        assert service.title
        assert service.ready.port in service.ports
        _unique(service.ports)
        argv = service.command(wired)
        assert argv[0]
        assert all(isinstance(word, str) for word in argv)
        listens = {str(address.port) for address in wired.endpoints[service.name].ports.values()}
        assert listens <= set(re.findall(r"\d+", " ".join(argv))), f"{service.name} is not told all of its ports"


def check_options(subject: Subject) -> None:
    with pytest.raises(ValueError, match=r"\.$") as refused:
        subject.services({"no-such-option": "1"})
    assert "no-such-option" in str(refused.value)


def check_briefing(subject: Subject, tmp_path: Path) -> None:
    """It tells where everything is, and nothing of how it is going to break."""
    wired = Wired(subject.services({}), tmp_path)
    text = subject.briefing(wired.endpoints)
    assert len(text.split()) < 700, "it is to be under a page"
    for service in wired.endpoints.services:
        assert service.name in text
    assert re.search(r"\bfaults?\b|\binject", text, re.IGNORECASE) is None
    for fault in subject.faults:
        assert fault.name not in text
        assert fault.says not in text


def _unique(names: Iterable[str]) -> None:
    found = list(names)
    assert len(found) == len(set(found)), f"a name is used twice: {found}"


async def check_plan_changes_nothing(lab: Watched, fault: Fault) -> None:
    """And its record survives a disk, and its undo a lab in which nothing was injected."""
    ran = {service.name: lab.control.running(service.name) for service in lab.control.endpoints.services}
    plan = await fault.plan(lab.control, random.Random(1))
    assert plan.target
    assert plan.says.strip()
    assert json.loads(json.dumps(plan.record)) == plan.record
    assert {name: lab.control.running(name) for name in ran} == ran
    assert await lab.broken() == set()
    await fault.undo(lab.control, _from_disk(plan))
    assert await lab.broken() == set()


async def check_fault(lab: Watched, fault: Fault) -> None:
    """It breaks all that it says, and its undo may run twice and leaves nothing behind."""
    plan = await fault.plan(lab.control, random.Random(1))
    try:
        await fault.inject(lab.control, plan)
        await lab.until_broken(fault.breaks)
    finally:
        await fault.undo(lab.control, _from_disk(plan))
    await fault.undo(lab.control, _from_disk(plan))
    await lab.until_whole()


def _from_disk(plan: Plan) -> Plan:
    return Plan(plan.target, plan.says, json.loads(json.dumps(plan.record)))
