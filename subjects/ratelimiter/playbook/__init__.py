"""How the scripted agent finds and repairs failures of the rate limiter.

It goes from the parts to the whole: services that do not run, parts that give no answer, the network, settings, and
last who else is in the store. It repairs what it sees to be wrong, looks again, and is done when nothing is. What its
evidence does not explain it escalates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator

from operator_protocols import Conclusion, Result, Run, TicketBrief
from subjects.ratelimiter.playbook import findings
from subjects.ratelimiter.playbook.case import SLOW_MS, Case, whole
from subjects.ratelimiter.playbook.cluster import Cluster
from subjects.ratelimiter.playbook.drift import repair_drift
from subjects.ratelimiter.playbook.limits import lost_limits
from subjects.ratelimiter.playbook.look import Look, command, p99_of, read

ROUNDS = 6
WAITS = 3
"""How often a figure that trails behind, such as a p99, is looked at again before it counts as still wrong."""


def playbook(ticket: TicketBrief) -> Generator[Run, Result, Conclusion]:
    case, tried, waited = Case(ticket), Counter[str](), 0
    counters = ticket.invariant == "counter_drift"
    seen = yield Run(
        "lab ps",
        "See which services run.",
        f"The ticket says: {ticket.summary} First I look at which services run.",
    )
    cluster, look = Cluster.read(seen.output), Look()
    if not cluster.nodes:
        return case.unknown(cluster, look, "`lab ps` lists no nodes, so there is nothing to work on.")
    wrong = list(findings.services(cluster))
    if not wrong:
        seen = yield Run(
            command(cluster, counters=counters),
            "Ask every node, the links, the load and the store.",
            "Every service runs, so it is not that simple. I ask each node for its health, its way to the store and "
            "its settings, the links for their state, and the store itself.",
        )
        look = read(seen.output, cluster)
    for _ in range(ROUNDS):
        wrong = wrong or list(findings.silent(cluster, look))
        wrong = wrong or [*findings.links(cluster, look), *findings.settings(cluster, look)]
        for finding in wrong:
            if tried[finding.key] == len(finding.repairs):
                yield Run(f"lab ps; lab logs {_subject_of(finding)}", "See why it did not help, for the record.")
                case.found(finding.fact, finding.evidence, "")
                return case.unknown(cluster, look, f"The repair did not hold: {finding.fact} again.")
            yield finding.repairs[tried[finding.key]]
            tried[finding.key] += 1
            case.found(finding.fact, finding.evidence, finding.done)
        if not wrong and counters and (look.drifted or findings.strangers(cluster, look)):
            look = yield from repair_drift(case, cluster, look)
            if look.drifted or findings.strangers(cluster, look):
                return case.unknown(cluster, look, "Counters are still wrong, or still being changed.")
        if not wrong:
            if whole(cluster, look) and not _trailing(ticket, look):
                break
            waited += 1
            if waited > WAITS:
                return case.unknown(cluster, look, "It is not whole, and nothing that is known explains it.")
        seen = yield Run(
            f"{'sleep 1; ' if not wrong else ''}{command(cluster, counters=counters, again=True)}",
            "See whether it holds." if case.done else "Look again.",
            "I check the whole again: every service, every node's way to the store, the links and the settings.",
        )
        cluster = Cluster.read(seen.output)
        look = read(seen.output, cluster)
        wrong = list(findings.services(cluster))
    else:
        return case.unknown(cluster, look, f"After {ROUNDS} rounds it is still not whole.")
    if ticket.invariant == "limit_lost" and (verdict := (yield from lost_limits(case, cluster, look))):
        return verdict
    if case.facts:
        return case.repaired(cluster, look)
    if ticket.handed_back or not _judged(ticket, look):
        return case.unknown(cluster, look, "Every part looks well, so what the monitor sees is not explained.")
    return case.healthy(cluster, look)


def _trailing(ticket: TicketBrief, look: Look) -> bool:
    """Whether a figure that the ticket is about is still bad although nothing is found to be wrong."""
    p99 = p99_of(look.stats)
    return ticket.invariant == "high_latency" and (p99 is None or p99 > SLOW_MS)


def _judged(ticket: TicketBrief, look: Look) -> bool:
    """Whether the look can tell that what the ticket says does not hold any more."""
    if ticket.invariant == "counter_drift":
        return look.drifted is not None
    return ticket.invariant in ("node_down", "redis_disconnected", "high_latency")


def _subject_of(finding: findings.Finding) -> str:
    return finding.key.partition(":")[2]
