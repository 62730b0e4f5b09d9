"""What each invariant says of observations that are whole, broken, and not to be judged."""

from __future__ import annotations

from typing import Any

import pytest

from operator_protocols import Level, Violation
from subjects.ratelimiter.invariants import INVARIANTS
from subjects.ratelimiter.rows import rows, workload
from tests.subjects.ratelimiter.seen import STATS, broken, findings, healthy, observation, unseen

NODES = {"node-1", "node-2", "node-3"}


def lost(node: dict[str, Any], why: str = "the store gave no answer within 250 ms") -> None:
    node.update(store_reached=False, store_trouble=why)


def silent(node: dict[str, Any], trouble: str = "gives no answer on 127.0.0.1:7001 within 0.8 s") -> None:
    """As a node that hangs is seen."""
    not_seen = {"verdict": "unseen", "decided_by": "", "limit": None, "trouble": trouble}
    node.update(
        state="hung",
        trouble=trouble,
        store_reached=None,
        store_trouble=trouble,
        config=None,
        checks_per_s=None,
        canaries={"stored": not_seen, "default": not_seen},
    )


def allowing(node: dict[str, Any], which: str, decided_by: str, limit: int | None = None) -> None:
    node["canaries"][which] = {"verdict": "allowed", "decided_by": decided_by, "limit": limit, "trouble": ""}


@pytest.mark.parametrize("name", [invariant.name for invariant in INVARIANTS])
def test_all_is_well(name: str) -> None:
    assert findings(name, healthy()) == {}


def test_node_down_says_how_it_fails() -> None:
    facts = healthy()
    silent(facts["nodes"]["node-2"])
    found = findings("node_down", facts)
    assert found == {"node-2": Violation("node-2", "node-2 gives no answer on 127.0.0.1:7001 within 0.8 s.")}


def test_one_node_without_the_store_is_that_nodes_ticket() -> None:
    facts = healthy()
    lost(facts["nodes"]["node-2"])
    assert broken("redis_disconnected", facts) == {"node-2"}
    assert unseen("redis_disconnected", facts) == set()


def test_all_nodes_without_the_store_are_the_stores_ticket_and_close_no_nodes() -> None:
    facts = healthy()
    for node in facts["nodes"].values():
        lost(node)
    facts["store"].update(state="down", trouble="refuses connections on 127.0.0.1:6379")
    assert broken("redis_disconnected", facts) == {"store"}
    assert unseen("redis_disconnected", facts) == NODES
    assert "refuses connections" in findings("redis_disconnected", facts)["store"].summary  # type: ignore[union-attr]


def test_a_node_that_is_silent_leaves_its_way_to_the_store_unseen() -> None:
    facts = healthy()
    silent(facts["nodes"]["node-1"])
    lost(facts["nodes"]["node-3"])
    assert broken("redis_disconnected", facts) == {"node-3"}
    assert unseen("redis_disconnected", facts) == {"node-1"}


def test_when_every_node_is_silent_only_the_store_itself_can_tell() -> None:
    facts = healthy()
    for node in facts["nodes"].values():
        silent(node)
    assert unseen("redis_disconnected", facts) == {*NODES, "store"}
    facts["store"].update(state="hung", trouble="gives no answer on 127.0.0.1:6379 within 0.8 s")
    assert broken("redis_disconnected", facts) == {"store"}
    assert unseen("redis_disconnected", facts) == NODES


def test_high_latency_is_over_100_ms() -> None:
    facts = healthy()
    facts["load"]["stats"]["p99_ms"] = 100.0
    assert findings("high_latency", facts) == {}
    facts["load"]["stats"]["p99_ms"] = 250.4
    found = findings("high_latency", facts)["workload"]
    assert isinstance(found, Violation)
    assert "250 ms" in found.summary


def test_latency_that_cannot_be_seen_is_not_low() -> None:
    facts = healthy()
    facts["load"]["stats"]["p99_ms"] = None
    assert unseen("high_latency", facts) == {"workload"}
    facts["load"] = {"state": "down", "trouble": "refuses connections on 127.0.0.1:7009", "stats": None}
    assert unseen("high_latency", facts) == {"workload"}


def test_drift_names_the_worst_counters() -> None:
    facts = healthy()
    facts["drift"]["drifted"] = [
        {"key": f"customer-{number}", "count": 10 - number, "admitted": 10, "unknown": 0} for number in range(1, 6)
    ]
    found = findings("counter_drift", facts)["store"]
    assert isinstance(found, Violation)
    assert "5 of 12 counters" in found.summary
    assert "customer-5 counts 5, admitted 10" in found.summary
    assert "2 more" in found.summary


def test_drift_that_is_seen_counts_even_where_others_are_not_seen() -> None:
    facts = healthy()
    facts["drift"]["trouble"] = "node-2 gives no answer."
    assert unseen("counter_drift", facts) == {"store"}
    facts["drift"]["drifted"] = [{"key": "a", "count": 1, "admitted": 2, "unknown": 3}]
    assert broken("counter_drift", facts) == {"store"}


@pytest.mark.parametrize(
    ("which", "decided_by", "limit"), [("stored", "open", None), ("default", "store", 100_000), ("stored", "store", 1)]
)
def test_a_node_that_allows_a_canary_is_a_ghost(which: str, decided_by: str, limit: int | None) -> None:
    facts = healthy()
    allowing(facts["nodes"]["node-3"], which, decided_by, limit)
    assert broken("ghost_allowing", facts) == {"node-3"}
    silent(facts["nodes"]["node-1"])
    assert unseen("ghost_allowing", facts) == {"node-1"}


def test_a_node_that_says_it_cannot_decide_is_no_ghost() -> None:
    facts = healthy()
    unavailable = {"verdict": "unavailable", "decided_by": "", "limit": None, "trouble": ""}
    facts["nodes"]["node-1"]["canaries"] = {"stored": unavailable, "default": unavailable}
    assert findings("ghost_allowing", facts) == {}


def test_limits_that_are_not_in_force_are_named_and_blindness_is_no_health() -> None:
    facts = healthy()
    assert findings("limit_lost", facts) == {}
    facts["limits"] = {"trouble": "node-1 gave no answer.", "compared": 0, "lost": []}
    assert unseen("limit_lost", facts) == {"store"}
    facts["limits"]["lost"] = [{"key": "a", "promised": "10 per 10 s", "enforced": "100 per 10 s"}]
    assert broken("limit_lost", facts) == {"store"}


def test_no_summary_tells_what_was_done_to_the_lab() -> None:
    """A finding says what is seen; the cause is for the agent to find."""
    facts = healthy()
    facts["links"]["links"]["node-2"]["state"] = "cut"
    lost(facts["nodes"]["node-2"])
    allowing(facts["nodes"]["node-2"], "stored", "open")
    said = [str(finding) for invariant in INVARIANTS for finding in invariant.check(observation(facts))]
    assert said
    assert not any(word in " ".join(said) for word in ("cut", "partition", "inject", "fault", "SIG"))


def test_the_workload_is_bad_while_damage_rises_and_not_because_there_was_some() -> None:
    before = {"wrongly allowed": 5.0, "wrongly refused": 0.0, "errors": 0.0}
    assert workload(STATS | {"wrongly_allowed_total": 5}, before).level is Level.OK
    assert workload(STATS | {"wrongly_allowed_total": 6}, before).level is Level.BAD
    assert workload(STATS | {"errors_per_s": 1.0}, before).level is Level.BAD
    assert workload(STATS | {"p99_ms": 101.0}, before).level is Level.BAD
    assert workload(STATS | {"wrongly_allowed_total": 6}, None).damage["wrongly allowed"] == 6


def test_rows_show_what_is_wrong() -> None:
    facts = healthy()
    assert {row.level for row in rows(facts)} == {Level.OK}  # type: ignore[arg-type]
    facts["links"]["links"]["node-2"]["state"] = "cut"
    silent(facts["nodes"]["node-1"])
    lost(facts["nodes"]["node-2"])
    facts["store"]["state"] = "down"
    facts["load"] = {"state": "down", "trouble": "refuses connections", "stats": None}
    shown = {row.name: row for row in rows(facts)}  # type: ignore[arg-type]
    assert [(shown[name].state, shown[name].level) for name in ("store", "node-1", "node-2", "node-3", "load")] == [
        ("down", Level.BAD),
        ("hung", Level.BAD),
        ("up", Level.BAD),
        ("up", Level.OK),
        ("down", Level.BAD),
    ]
    assert shown["links"].readings[0].text == "1 of 3"
