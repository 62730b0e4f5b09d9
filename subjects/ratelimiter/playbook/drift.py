"""Counters that do not count what the nodes admitted: who changes them, and what becomes of them."""

from __future__ import annotations

from collections.abc import Generator
from urllib.parse import quote

from operator_protocols import Result, Run
from subjects.ratelimiter.playbook.case import Case
from subjects.ratelimiter.playbook.cluster import Cluster
from subjects.ratelimiter.playbook.findings import strangers
from subjects.ratelimiter.playbook.look import Look, command, read

ROUNDS = 3
"""A counter that lost as much as it was given looks right for a while: it shows only as its window moves on."""
RESTARTED_S = 60
"""A store that was restarted so recently may have lost its last second of writes."""


def repair_drift(case: Case, cluster: Cluster, look: Look) -> Generator[Run, Result, Look]:
    """End who changes counters, start afresh those that are wrong. Gives the look after it."""
    unknown, seen = strangers(cluster, look), look.drifted or {}
    for client in unknown:
        if client.pid is None:
            case.open_questions.append(
                f"The client `{client.name}` of the store is none of the nodes, and does not say which process it is."
            )
            continue
        shown = yield Run(
            f"ps -o pid,ppid,lstart,args -p {client.pid}",
            f"See which process the client {client.name} is.",
            f"CLIENT LIST shows `{client.name}`. The nodes are the only clients that the store should have, so "
            "somebody else writes to it. Before I end it, I look at what it is.",
        )
        if shown.exit_status != 0 or any(part.pid == client.pid for part in cluster.parts):
            case.open_questions.append(f"The process {client.pid} of the client `{client.name}` could not be told.")
            continue
        measured = yield Run(
            f"kill {client.pid}; sleep 0.3; ps -p {client.pid}; {command(cluster, counters=True)}",
            f"End the process {client.pid}, which changes counters behind the nodes' back, and measure what is wrong.",
            "It is a process of its own, none of the lab's services, and it was connected while counters went wrong. "
            "I end it, and measure which counters are wrong once nobody changes them.",
        )
        look = read(measured.output, cluster)
        case.found(
            f"the process {client.pid} (`{client.name}`) was changing counters in the store behind the nodes' back",
            f"CLIENT LIST showed it beside the nodes, and `ps` that it is none of the lab's services: "
            f"`{shown.output.strip().splitlines()[-1].strip()}`.",
            f"the process {client.pid} was ended",
        )
    if look.drifted and not unknown and look.uptime_s is not None and look.uptime_s < RESTARTED_S:
        case.found(
            "the store was restarted, and lost the last writes before that",
            f"Its uptime was {look.uptime_s} s, and no client but the nodes was connected.",
            "",
        )
    elif not unknown:
        return look
    node, wrong = next(iter(cluster.nodes.values())), seen | (look.drifted or {})
    for _ in range(ROUNDS):
        if not look.drifted:
            break
        keys = ",".join(quote(key, safe="") for key in wrong)
        cleared = yield Run(
            f"curl -s -m 5 -w ' [%{{http_code}}]\\n' -X DELETE 'http://{node}/v1/counters/{{{keys}}}'; "
            f"{command(cluster, counters=True, again=True)}",
            f"Start {len(wrong)} wrong counters afresh, and check all of them again.",
            f"{len(wrong)} counters were made wrong, and stay so until their window has passed. I start them afresh: "
            "that gives their clients one allowance too early, but a wrong counter does harm for longer.",
        )
        case.wrong_counters |= wrong
        look = read(cleared.output, cluster)
        wrong = look.drifted or {}
    return look
