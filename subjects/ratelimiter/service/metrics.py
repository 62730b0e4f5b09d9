"""What Prometheus reads of a node; every series bears the node's name."""

from __future__ import annotations

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

CONTENT_TYPE = CONTENT_TYPE_LATEST
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    def __init__(self, node: str) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for each, which nobody reads
        self._registry = registry = CollectorRegistry()
        self._node = node
        self._checks = Counter(
            "ratelimiter_checks",
            "Checks by outcome, and who decided them",
            ("node", "outcome", "decided_by"),
            registry=registry,
        )
        self._duration = Histogram(
            "ratelimiter_check_duration_seconds",
            "Time that a check took in the node, the store's part included",
            ("node",),
            buckets=BUCKETS,
            registry=registry,
        ).labels(node)
        self._errors = Counter(
            "ratelimiter_store_errors",
            "Checks and heartbeats that the store failed",
            ("node", "kind"),
            registry=registry,
        )
        self._up = Gauge(
            "ratelimiter_store_up", "1 if the store answered when it was last asked", ("node",), registry=registry
        ).labels(node)
        for kind in ("connection", "timeout", "busy", "reply"):
            self._errors.labels(node, kind)
        self._answered = False

    def checked(self, outcome: str, decided_by: str, seconds: float) -> None:
        self._checks.labels(self._node, outcome, decided_by).inc()
        self._duration.observe(seconds)

    def store_answered(self) -> None:
        if not self._answered:
            self._answered = True
            self._up.set(1)

    def store_failed(self, kind: str) -> None:
        self._answered = False
        self._up.set(0)
        self._errors.labels(self._node, kind).inc()

    def text(self) -> bytes:
        return generate_latest(self._registry)
