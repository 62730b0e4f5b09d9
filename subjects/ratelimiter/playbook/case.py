"""What a session has found and done so far, and the diagnosis that comes of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from operator_protocols import Conclusion, TicketBrief
from subjects.ratelimiter.playbook.cluster import Cluster
from subjects.ratelimiter.playbook.findings import majority, strangers
from subjects.ratelimiter.playbook.look import Look, p99_of

SLOW_MS = 100.0


@dataclass(slots=True)
class Case:
    ticket: TicketBrief
    facts: list[str] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    open_questions: list[str] = field(default_factory=list)
    wrong_counters: dict[str, str] = field(default_factory=dict)
    """Those that were started afresh, each with a clause that says how it was wrong."""

    def found(self, fact: str, evidence: str, done: str) -> None:
        if fact not in self.facts:
            self.facts.append(fact)
            if evidence:
                self.evidence.append(evidence)
        self.did(done)

    def did(self, done: str) -> None:
        if done and done not in self.done:
            self.done.append(done)

    def repaired(self, cluster: Cluster, look: Look) -> Conclusion:
        if self.wrong_counters:
            self.did(f"{len(self.wrong_counters)} wrong counters were started afresh")
            self.evidence.append(f"Against what the nodes admitted: {'; '.join(self.wrong_counters.values())}.")
        return Conclusion(
            what_happened=_sentence("; ".join([*self.facts, *self.done])),
            cause=" ".join(self.evidence),
            alternatives=ruled_out(cluster, look, self.facts),
            done=(*(_sentence(step) for step in self.done), f"Checked after it: {_state(cluster, look)}."),
            left=(*self.open_questions, "Who or what caused it cannot be told from inside the lab."),
        )

    def healthy(self, cluster: Cluster, look: Look) -> Conclusion:
        """Nothing is wrong any more, and what the ticket tells of was looked at."""
        return Conclusion(
            what_happened=f"What the ticket tells of is over: {_state(cluster, look)}.",
            cause="It went away before this session looked, perhaps with the repair of another ticket.",
            alternatives=ruled_out(cluster, look, ()),
            left=("Nothing was changed in this session.",),
        )

    def unknown(self, cluster: Cluster, look: Look, why: str) -> Conclusion:
        known = [_sentence(fact) for fact in self.facts]
        return Conclusion(
            what_happened=" ".join([f"{why} The ticket says: {self.ticket.summary}", *known]),
            cause=" ".join(["Not found.", *self.evidence]) if self.evidence else "Not found.",
            alternatives=ruled_out(cluster, look, ()),
            done=tuple(_sentence(step) for step in self.done),
            left=(*self.open_questions, "A person has to look further; the outputs of this session are in the audit."),
            escalate=True,
        )


def ruled_out(cluster: Cluster, look: Look, facts: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    """What it might have been and was not, each with the evidence against it."""
    told = " ".join(facts)
    against = []
    if all(part.state == "up" for part in cluster.parts) and "not running" not in told and "in its tracks" not in told:
        against.append("A service that died or hangs: `lab ps` lists every one as up, and each node answers /healthz.")
    if look.store_answers and "store was" not in told:
        against.append("The store itself: asked directly, it answers PING.")
    if (
        look.links
        and "network" not in told
        and all(x["state"] == "open" and not x["latency_ms"] for x in look.links.values())
    ):
        against.append("The network: GET /links shows every link open, with 0 ms added.")
    shared = majority(look)
    if shared and "settings" not in told and all(config == shared for config in look.configs.values()):
        against.append("A node's settings: GET /v1/config is the same on every node.")
    if look.clients is not None and "behind the nodes' back" not in told and not strangers(cluster, look):
        against.append("Somebody else in the store: CLIENT LIST shows no client by name but the nodes.")
    return tuple(against)


def whole(cluster: Cluster, look: Look) -> bool:
    """Every service runs and answers, and every node reaches the store."""
    nodes = cluster.nodes
    return (
        all(part.state == "up" for part in cluster.parts)
        and look.health == set(nodes)
        and all(look.ready.get(name) for name in nodes)
        and look.store_answers is True
    )


def _state(cluster: Cluster, look: Look) -> str:
    p99 = p99_of(look.stats)
    speed = "" if p99 is None else f", the p99 of the checks is {p99:.0f} ms"
    counters = "" if look.drifted is None else ", and every counter agrees" if not look.drifted else ""
    return f"{len(cluster.nodes)} nodes answer and reach the store{speed}{counters}"


def _sentence(text: str) -> str:
    """With a capital, unless it begins with a name such as node-2."""
    first = text.partition(" ")[0]
    return f"{text if '-' in first else text[:1].upper() + text[1:]}." if text else ""
