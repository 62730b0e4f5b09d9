"""One run from start to verified repair, as the events that the daemons would write: material for tests and pictures.

The names are those of a limiter behind three nodes, because a picture must look like something; no code under test
knows them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from chapters import Chapter
from operator_core.events import (
    AgentStarted,
    AnyEvent,
    ChapterEntered,
    CommandFinished,
    CommandOutput,
    CommandStarted,
    CountdownTick,
    DaemonStarted,
    DemoStarted,
    Effect,
    FaultInjected,
    InvariantState,
    LabReady,
    LabStarting,
    ModelUsed,
    MonitorStarted,
    Observed,
    ServiceChanged,
    SessionEnded,
    SessionStarted,
    Thought,
    TicketChanged,
)
from operator_protocols import Level, Observation, Reading, ServiceHealth, Workload

START = datetime(2026, 3, 5, 14, 2, 0, tzinfo=UTC)

CHAPTERS = (
    Chapter(
        "Welcome",
        "You are looking at a **distributed rate limiter** that runs on this machine: three nodes over one store, each "
        "behind a network link of its own, and clients that never stop asking.\n\nNobody stands behind the curtain. A "
        "*monitor* watches the nodes, an *agent* repairs what breaks, and everything here is what they really say.",
        until=("ready",),
    ),
    Chapter(
        "A healthy cluster",
        "Every node answers, every invariant holds. The monitor looks once a second.",
        until=("healthy",),
    ),
    Chapter(
        "Load",
        "Clients send about **400 checks a second**. Some keys are over their limit, and are refused.",
        until=("load", "healthy"),
    ),
    Chapter(
        "Something breaks",
        "When the countdown ends, the link between one node and the store is **cut**. The node is up and answers, but "
        "it cannot count any more, so it lets through what it should refuse.",
        fault=True,
        until=("injected",),
    ),
    Chapter(
        "Detection",
        "The monitor has not been told. It sees that `node-2` cannot reach the store, and that a key without any "
        "budget left is *allowed* there. It opens a ticket for each.",
        until=("detected",),
    ),
    Chapter(
        "Diagnosis and repair",
        "The agent has claimed the ticket. It reads before it changes anything; each command is on record before it "
        "runs, with the reason for it.\n\nWatch the line of the incident below: it is *diagnosed* when the agent first "
        "changes something.",
        until=("diagnosed", "repaired"),
    ),
    Chapter(
        "Recovery",
        "The agent said that it is done. That counts for nothing: the **monitor** looks for itself, and resolves the "
        "tickets only after the invariants have held.\n\nBeside this text is what it took, and what clients got wrong "
        "meanwhile.",
        until=("verified",),
    ),
)

CONCLUSION = """\
## What happened
The link from `node-2` to the store was cut. The node kept answering in its failure mode `open`, so it
allowed requests that were over their limit.

## Why I believe so
- `node-2` was the only node with store errors; the others reached the same store at the same time.
- The link `node-2` said `cut`; the store itself answered in under a millisecond.

## What else it might have been
- **A hung store**: excluded, `node-1` and `node-3` used it.
- **A wrong configuration of node-2**: excluded, its configuration equals that of the others.

## What I did
1. Opened the link `node-2` again.
2. Checked that the node reaches the store and refuses the canary.

## What is left
Requests that were wrongly allowed cannot be taken back. Nothing else.
"""


def observation(at: datetime, number: int, partitioned: bool = False, damage: float = 0) -> Observation:
    wave = (number * 7) % 23
    nodes = []
    for name in ("node-1", "node-2", "node-3"):
        cut = partitioned and name == "node-2"
        nodes.append(
            ServiceHealth(
                name,
                "node",
                Level.BAD if cut else Level.OK,
                "no store" if cut else "up",
                (
                    Reading("checks", f"{128 + wave}/s"),
                    Reading("p99", "251 ms" if cut else f"{2 + wave / 20:.1f} ms", Level.BAD if cut else Level.OK),
                    Reading("failure mode", "open"),
                ),
            )
        )
    return Observation(
        at=at,
        services=(
            ServiceHealth("store", "store", Level.OK, "up", (Reading("clients", "7"), Reading("memory", "1.2 MB"))),
            ServiceHealth("links", "network", Level.OK, "up", (Reading("links", "3"),)),
            *nodes,
            ServiceHealth("load", "load", Level.OK, "up", (Reading("target", "400/s"),)),
        ),
        workload=Workload(
            level=Level.BAD if partitioned else Level.OK,
            operations_per_s=396 + wave - (24 if partitioned else 0),
            errors_per_s=3 if partitioned and number % 2 else 0,
            p50_ms=1.3 + wave / 50,
            p99_ms=252.0 + wave if partitioned else 3.4 + wave / 10,
            readings=(
                Reading("tenant-burst", "40 of 40 used", Level.WARN),
                Reading("tenant-7", "100 of 100 used", Level.WARN),
                Reading("tenant-1", "61 of 100 used"),
                Reading("tenant-2", "38 of 100 used"),
                Reading("allowed", "331/s"),
                Reading("denied", "65/s"),
            ),
            damage={"wrongly allowed": damage, "wrongly refused": 0},
        ),
    )


def run(start: datetime = START) -> Iterator[AnyEvent]:
    """The whole story, about a minute of it."""

    def at(seconds: float) -> datetime:
        return start + timedelta(seconds=seconds)

    yield DemoStarted(
        at=at(0),
        subject="ratelimiter",
        title="Distributed rate limiter",
        deployment="processes",
        agent="scripted",
        mode="execute",
        fault="partition-node",
        chapters=tuple(chapter.title for chapter in CHAPTERS),
        seed=7,
    )
    yield ChapterEntered(at=at(0), index=0, title=CHAPTERS[0].title)
    yield DaemonStarted(at=at(0.1), daemon="lab", pid=4001)
    yield LabStarting(
        at=at(0.5),
        subject="ratelimiter",
        deployment="processes",
        sandbox="no sandbox: bubblewrap is not installed",
        state_dir="state",
    )
    services = (
        ("store", "store"),
        ("links", "network"),
        ("node-1", "node"),
        ("node-2", "node"),
        ("node-3", "node"),
        ("load", "load"),
    )
    for number, (name, role) in enumerate(services):
        yield ServiceChanged(at=at(0.6), name=name, role=role, state="starting", by="lab")
        yield ServiceChanged(at=at(0.8 + number * 0.3), name=name, role=role, state="up", pid=4010 + number, by="lab")
    yield LabReady(at=at(2.7), seconds=2.2)
    yield DaemonStarted(at=at(2.8), daemon="monitor", pid=4002)
    yield DaemonStarted(at=at(2.8), daemon="agent", pid=4003)
    yield MonitorStarted(
        at=at(3.1),
        subject="ratelimiter",
        interval_s=1.0,
        invariants=("node_down", "redis_disconnected", "high_latency", "counter_drift", "ghost_allowing"),
        db="operator.db",
    )
    yield AgentStarted(at=at(3.2), agent="scripted", model="scripted-1", mode="execute")
    second = 4
    for second in range(4, 32):
        yield Observed(at=at(second), observation=observation(at(second), second), seconds=0.04)
        if second in (10, 16, 22):
            index = {10: 1, 16: 2, 22: 3}[second]
            yield ChapterEntered(at=at(second), index=index, title=CHAPTERS[index].title)
        if second >= 27:
            yield CountdownTick(at=at(second), fault="partition-node", left=32 - second)
    yield CountdownTick(at=at(32), fault="partition-node", left=0)
    yield FaultInjected(
        at=at(32),
        fault="partition-node",
        target="node-2",
        says="the link from node-2 to the store is cut",
        limit_s=180,
    )
    yield ChapterEntered(at=at(32.2), index=4, title=CHAPTERS[4].title)
    yield from _broken(at)
    yield from _session(at)
    for second in range(44, 62):
        yield Observed(at=at(second), observation=observation(at(second), second, damage=214), seconds=0.04)


def _broken(at: object) -> Iterator[AnyEvent]:
    assert callable(at)
    broken = ("redis_disconnected node-2", "ghost_allowing node-2")
    yield Observed(at=at(33), observation=observation(at(33), 33, True, 61), seconds=0.31, broken=broken[:1])
    yield InvariantState(
        at=at(33),
        invariant="redis_disconnected",
        target="node-2",
        state="broken",
        summary="node-2 has not reached the store for 0.9 s",
    )
    yield TicketChanged(
        at=at(33.1),
        ticket=1,
        invariant="redis_disconnected",
        target="node-2",
        state="open",
        summary="node-2 has not reached the store for 0.9 s",
        actor="monitor",
    )
    yield Observed(at=at(34), observation=observation(at(34), 34, True, 118), seconds=0.29, broken=broken)
    yield InvariantState(
        at=at(34),
        invariant="ghost_allowing",
        target="node-2",
        state="broken",
        summary="node-2 allowed a key whose limit is used up",
    )
    yield TicketChanged(
        at=at(34.1),
        ticket=2,
        invariant="ghost_allowing",
        target="node-2",
        state="open",
        summary="node-2 allowed a key whose limit is used up",
        actor="monitor",
    )
    yield ChapterEntered(at=at(34.5), index=5, title=CHAPTERS[5].title)


def _session(at: object) -> Iterator[AnyEvent]:
    assert callable(at)
    yield TicketChanged(
        at=at(33.6),
        ticket=1,
        invariant="redis_disconnected",
        target="node-2",
        state="claimed",
        summary="node-2 has not reached the store for 0.9 s",
        actor="agent",
        note="session 1",
    )
    yield SessionStarted(at=at(33.7), session=1, ticket=1)
    yield from _thought(
        at,
        34.6,
        "Node-2 does not reach the store. First I want to know **who is affected**: one node, or all of them? "
        "That tells the store from the link.",
    )
    yield from _command(
        at,
        35.2,
        1,
        "lab ps",
        "see which services run",
        "reads",
        "NAME    ROLE     STATE  PID   PORTS\n"
        "store   store    up     4010  redis 127.0.0.1:40111\n"
        "links   network  up     4011  admin 127.0.0.1:40112\n"
        "node-1  node     up     4012  http 127.0.0.1:40121\n"
        "node-2  node     up     4013  http 127.0.0.1:40122\n"
        "node-3  node     up     4014  http 127.0.0.1:40123\n"
        "load    load     up     4015  http 127.0.0.1:40131\n",
        0.3,
    )
    yield ModelUsed(at=at(36), session=1, model="scripted-1", input_tokens=2310, output_tokens=142, cost_usd=0.0)
    yield from _command(
        at,
        36.3,
        2,
        "for n in 40121 40122 40123; do curl -s 127.0.0.1:$n/readyz; done",
        "ask each node whether it reaches the store",
        "reads",
        '{"name": "node-1", "store": "up"}\n{"name": "node-2", "store": "down", "error": "time-out after 250 ms"}\n'
        '{"name": "node-3", "store": "up"}\n',
        0.4,
    )
    yield Observed(
        at=at(37), observation=observation(at(37), 37, True, 170), seconds=0.3, broken=("redis_disconnected node-2",)
    )
    yield from _thought(at, 37.2, "Only `node-2`: the store is well, so I look at the link between the two.")
    yield from _command(
        at,
        37.8,
        3,
        "curl -s 127.0.0.1:40112/links",
        "see the state of every link",
        "reads",
        '[{"name": "node-1", "state": "open", "latency_ms": 0, "connections": 2},\n'
        ' {"name": "node-2", "state": "cut", "latency_ms": 0, "connections": 3},\n'
        ' {"name": "node-3", "state": "open", "latency_ms": 0, "connections": 2}]\n',
        0.1,
    )
    yield ModelUsed(at=at(38.4), session=1, model="scripted-1", input_tokens=5120, output_tokens=301, cost_usd=0.0)
    yield from _thought(at, 38.5, "The link of `node-2` is **cut**. Opening it is the smallest change that can help.")
    yield from _command(
        at,
        39,
        4,
        """curl -s -X PUT 127.0.0.1:40112/links/node-2 -d '{"state": "open"}'""",
        "open the link that is cut; nothing else is touched",
        "changes",
        '{"name": "node-2", "state": "open", "latency_ms": 0, "connections": 0}\n',
        0.1,
    )
    yield Observed(at=at(40), observation=observation(at(40), 40, damage=214), seconds=0.05)
    for invariant in ("redis_disconnected", "ghost_allowing"):
        yield InvariantState(at=at(40), invariant=invariant, target="node-2", state="whole")
    yield from _command(
        at,
        40.2,
        5,
        "curl -s 127.0.0.1:40122/readyz",
        "see that the node reaches the store again",
        "reads",
        '{"name": "node-2", "store": "up"}\n',
        0.1,
    )
    yield ModelUsed(at=at(40.8), session=1, model="scripted-1", input_tokens=7040, output_tokens=512, cost_usd=0.0)
    yield SessionEnded(
        at=at(41),
        session=1,
        ticket=1,
        outcome="verifying",
        conclusion=CONCLUSION,
        summary="the link from node-2 to the store was cut; opened again",
        seconds=7.3,
        commands=5,
    )
    for ticket, invariant in ((1, "redis_disconnected"), (2, "ghost_allowing")):
        summary = "node-2 had lost the store"
        yield TicketChanged(
            at=at(41.1),
            ticket=ticket,
            invariant=invariant,
            target="node-2",
            state="verifying",
            summary=summary,
            actor="agent",
        )
    yield Observed(at=at(42), observation=observation(at(42), 42, damage=214), seconds=0.05)
    for ticket, invariant in ((1, "redis_disconnected"), (2, "ghost_allowing")):
        yield TicketChanged(
            at=at(42.1),
            ticket=ticket,
            invariant=invariant,
            target="node-2",
            state="resolved",
            summary="node-2 had lost the store",
            actor="monitor",
            note="it has held for 2 s",
        )
    yield ChapterEntered(at=at(43), index=6, title=CHAPTERS[6].title)


def _thought(at: object, seconds: float, text: str) -> Iterator[AnyEvent]:
    assert callable(at)
    words = text.split(" ")
    for number, word in enumerate(words):
        last = number == len(words) - 1
        yield Thought(at=at(seconds + number * 0.015), session=1, delta=word if last else f"{word} ", done=last)


def _command(
    at: object, seconds: float, entry: int, command: str, reasoning: str, effect: Effect, output: str, took: float
) -> Iterator[AnyEvent]:
    assert callable(at)
    yield CommandStarted(at=at(seconds), session=1, entry=entry, command=command, reasoning=reasoning, effect=effect)
    yield CommandOutput(at=at(seconds + took), session=1, entry=entry, stream="stdout", chunk=output)
    yield CommandFinished(at=at(seconds + took), session=1, entry=entry, exit_status=0, seconds=took)
