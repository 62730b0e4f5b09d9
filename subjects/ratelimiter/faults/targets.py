"""What the faults share: choosing a target, and asking services over HTTP."""

from __future__ import annotations

import random
from typing import Any

from operator_protocols import Address, Endpoint, LabControl, LabError

LIMIT_S = 180.0
ANSWER_WITHIN_S = 3.0


def choose(lab: LabControl, role: str, rng: random.Random) -> Endpoint:
    """One running service of this role. `LabError` if none runs."""
    running = [service for service in lab.endpoints.by_role(role) if lab.running(service.name)]
    if not running:
        raise LabError(f"No {role} is running, so there is nothing to break.")
    return rng.choice(running)


async def ask(method: str, address: Address, path: str, json: Any = None) -> Any:
    """The JSON of the answer, or None where there is none. `LabError` with a sentence if there is no good answer."""
    import httpx  # a lab imports it only once a fault needs it

    try:
        async with httpx.AsyncClient(timeout=ANSWER_WITHIN_S, trust_env=False, verify=False) as client:
            response = await client.request(method, f"http://{address}{path}", json=json)
            response.raise_for_status()
    except httpx.HTTPStatusError as error:
        raise LabError(f"{method} {path} on {address} gave status {error.response.status_code}.") from error
    except httpx.TransportError as error:
        raise LabError(f"{method} {path} on {address} got no answer ({type(error).__name__}).") from error
    return response.json() if response.content else None
