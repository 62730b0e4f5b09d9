"""What can be seen of one node."""

from __future__ import annotations

import asyncio
import re
import time

from operator_protocols import Address
from subjects.ratelimiter.canary import Canaries
from subjects.ratelimiter.facts import NodeFacts
from subjects.ratelimiter.probes import Answer, Http, Trouble

CHECKS = re.compile(r"^ratelimiter_checks_total\{[^}]*\} (\S+)", re.MULTILINE)


class NodeLook:
    """Looks at a node again and again; remembers its count of checks, so that a rate can be told."""

    def __init__(self, address: Address, http: Http, canaries: Canaries) -> None:
        self._address = address
        self._http = http
        self._canaries = canaries
        self._counted: tuple[float, float] | None = None

    async def __call__(self) -> NodeFacts:
        health, ready, config, metrics, stored, default = await asyncio.gather(
            self._http.get(self._address, "/healthz"),
            self._http.ask("GET", self._address, "/readyz"),
            self._http.get(self._address, "/v1/config"),
            self._http.get(self._address, "/metrics"),
            self._canaries.stored(self._address),
            self._canaries.default(self._address),
        )
        trouble = health if isinstance(health, Trouble) else Trouble("up", "")
        reached, store_trouble = self._store(ready)
        return NodeFacts(
            address=str(self._address),
            state=trouble.state,
            trouble=trouble.text,
            store_reached=reached,
            store_trouble=store_trouble,
            config=config.body if isinstance(config, Answer) else None,
            checks_per_s=self._rate(metrics),
            canaries={"stored": stored, "default": default},
        )

    def _store(self, ready: Answer | Trouble) -> tuple[bool | None, str]:
        """Whether the node reaches its store, if it says so."""
        if isinstance(ready, Trouble):
            return None, ready.text
        if ready.status == 200:
            return True, ""
        if ready.status == 503 and isinstance(ready.body, dict) and "store" in ready.body:
            return False, str(ready.body["store"])
        return None, f"answers GET /readyz with status {ready.status}"

    def _rate(self, metrics: Answer | Trouble) -> float | None:
        before, self._counted = self._counted, None
        if isinstance(metrics, Trouble):
            return None
        now, total = time.monotonic(), sum(float(value) for value in CHECKS.findall(metrics.body))
        self._counted = now, total
        if before is None or total < before[1]:  # the first look, or the node began anew
            return None
        return (total - before[1]) / (now - before[0])
