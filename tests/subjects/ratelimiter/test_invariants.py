"""Each invariant on a real lab: it fires because of its real fault, and stays quiet where another is meant."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Collection

import pytest
import pytest_asyncio

from operator_protocols import Fault, Level, Plan
from subjects.ratelimiter.facts import facts_of
from subjects.ratelimiter.subject import SUBJECT
from tests.subjects.labs import Watched, Where, running_lab

pytestmark = pytest.mark.asyncio(loop_scope="module")

FAULTS: dict[str, Fault] = {fault.name: fault for fault in SUBJECT.faults}
NODES = {"node-1", "node-2", "node-3"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Watched]:
    async with running_lab(SUBJECT, tmp_path_factory.mktemp("lab")) as running:
        yield running


class Injected:
    """A fault while the block runs; `target` is what it hit."""

    def __init__(self, lab: Watched, name: str) -> None:
        self._lab = lab
        self._fault = FAULTS[name]
        self._plan: Plan

    async def __aenter__(self) -> Injected:
        await self._lab.until_whole()
        self._plan = await self._fault.plan(self._lab.control, random.Random(2))
        await self._fault.inject(self._lab.control, self._plan)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._fault.undo(self._lab.control, self._plan)

    @property
    def target(self) -> str:
        return self._plan.target


async def never_broken(lab: Watched, names: Collection[str], looks: int = 4) -> set[Where]:
    """Look some times; none of these may be broken. Gives what was unseen at the last look."""
    for _ in range(looks):
        broken = await lab.broken()
        assert not {name for name, _ in broken} & set(names), broken
        await asyncio.sleep(0.2)
    return await lab.unseen()


async def test_a_healthy_lab_under_load_is_whole_and_everything_can_be_judged(lab: Watched) -> None:
    await lab.until_whole(looks=8, judged=True)
    assert lab.seen is not None
    assert {row.level for row in lab.seen.services} == {Level.OK}
    assert facts_of(lab.seen)["drift"]["compared"] > 5
    assert lab.seen.workload is not None
    assert lab.seen.workload.operations_per_s > 0
    assert lab.seen.workload.damage == {"wrongly allowed": 0, "wrongly refused": 0, "errors": 0}


async def test_counters_that_drift(lab: Watched) -> None:
    async with Injected(lab, "drift-counters"):
        assert await lab.until_broken({"counter_drift"}) == {("counter_drift", "store")}
        await never_broken(lab, {"node_down", "redis_disconnected", "ghost_allowing"})
    await lab.until_whole(judged=True)


async def test_a_node_with_other_settings(lab: Watched) -> None:
    async with Injected(lab, "misconfigured-node") as fault:
        assert await lab.until_broken({"ghost_allowing"}) == {("ghost_allowing", fault.target)}
        await never_broken(lab, {"node_down", "redis_disconnected", "counter_drift"})


async def test_a_slow_network(lab: Watched) -> None:
    async with Injected(lab, "slow-store"):
        await lab.until_broken({"high_latency"})
        await never_broken(lab, {"node_down", "counter_drift"})


async def test_a_node_that_is_cut_off(lab: Watched) -> None:
    async with Injected(lab, "partition-node") as fault:
        broken = await lab.until_broken({"redis_disconnected", "ghost_allowing"})
        assert {("redis_disconnected", fault.target), ("ghost_allowing", fault.target)} <= broken
        assert not {target for _, target in broken} & (NODES - {fault.target})
        unseen = await never_broken(lab, {"node_down", "counter_drift"})
        assert ("counter_drift", "store") in unseen


async def test_a_store_that_is_killed(lab: Watched) -> None:
    async with Injected(lab, "kill-store"):
        broken = await lab.until_broken({"redis_disconnected", "ghost_allowing"})
        assert ("redis_disconnected", "store") in broken
        assert {target for name, target in broken if name == "ghost_allowing"} == NODES
        unseen = await never_broken(lab, {"node_down", "counter_drift"})
        assert {("redis_disconnected", node) for node in NODES} <= unseen
        assert ("counter_drift", "store") in unseen


async def test_a_store_that_hangs(lab: Watched) -> None:
    async with Injected(lab, "hang-store"):
        broken = await lab.until_broken({"redis_disconnected", "high_latency", "ghost_allowing"})
        assert ("redis_disconnected", "store") in broken
        unseen = await never_broken(lab, {"node_down", "counter_drift"})
        assert ("counter_drift", "store") in unseen


async def test_a_store_that_was_flushed_makes_no_ghost_of_a_node(lab: Watched) -> None:
    """The canary's limit is lost with it: at most one look may show that, which opens no ticket."""
    await lab.until_whole()
    store = lab.control.endpoints["store"].ports["redis"]
    reader, writer = await asyncio.open_connection(store.host, store.port)
    writer.write(b"FLUSHALL\r\n")
    assert await reader.readline() == b"+OK\r\n"
    writer.close()
    await lab.look()
    await never_broken(lab, {"ghost_allowing", "node_down", "redis_disconnected"})
    await lab.control.stop("load")
    await lab.control.start("load")  # it sets its limits when it starts


async def test_a_load_that_is_gone_hides_the_latency(lab: Watched) -> None:
    await lab.control.stop("load")
    try:
        unseen = await never_broken(lab, {"high_latency"})
        assert ("high_latency", "workload") in unseen
    finally:
        await lab.control.start("load")


@pytest.mark.parametrize("name", ["kill-node", "hang-node"])
async def test_a_node_that_does_not_answer(lab: Watched, name: str) -> None:
    async with Injected(lab, name) as fault:
        broken = await lab.until_broken({"node_down"})
        assert {(name, target) for name, target in broken if name != "high_latency"} == {("node_down", fault.target)}
        unseen = await never_broken(lab, {"redis_disconnected", "ghost_allowing", "counter_drift"})
        assert {
            ("redis_disconnected", fault.target),
            ("ghost_allowing", fault.target),
            ("counter_drift", "store"),
        } <= unseen
