"""Telling a running agent something from another process; light, because a kill switch must not wait for imports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from operator_core import control
from operator_core.errors import UserError
from operator_core.paths import StateDir


async def tell(state: StateDir, verb: str, **arguments: Any) -> Any:
    """Ask it (`stop`, or `mode`) and give its answer. `UserError` if none runs, or it refuses."""
    try:
        record = msgspec.json.decode(state.agent_file.read_bytes(), type=dict[str, Any])
        return await control.request(Path(record["socket"]), verb, **arguments)
    except (FileNotFoundError, ConnectionError) as error:
        raise UserError("No agent is running here; start one with operator agent run.") from error
