"""The way to the model: a client of the Messages API that waits for what passes, and says so."""

from __future__ import annotations

import asyncio
import os
import random
from typing import Any

import anthropic
from anthropic import APIRequest, AsyncAnthropic, AsyncAPIResponse, AsyncCallNext, DefaultAsyncHttpxClient, Timeout

from operator_core.errors import UserError
from operator_core.events import AgentWaiting
from operator_core.output import Emit

CONNECT_S, SILENCE_S = 10.0, 120.0
"""How long a connection may take, and how long a connected model may say nothing."""
LONGEST_WAIT_S = 60.0

_PASSING = {408: "the model's server timed out", 409: "the model's server was busy", 429: "the model limits the rate"}
_OVERLOADED = 529


def connect(
    emit: Emit, *, base_url: str | None = None, api_key: str | None = None, first_wait_s: float = 1.0
) -> AsyncAnthropic:
    """A client for the endpoint and key given, or else for those of the environment (ANTHROPIC_BASE_URL,
    ANTHROPIC_API_KEY; `UserError` without a key). A `base_url` that is given is a server of our own, on loopback."""
    key = api_key or os.environ.get("ANTHROPIC_API_KEY")
    if not key:
        raise UserError("The agent claude needs an API key: set ANTHROPIC_API_KEY, or choose --agent scripted.")
    return AsyncAnthropic(
        api_key=key,
        base_url=base_url,
        max_retries=0,  # Patience does that, and tells for how long
        timeout=Timeout(SILENCE_S, connect=CONNECT_S),
        http_client=DefaultAsyncHttpxClient(trust_env=False) if base_url else None,
        middleware=[Patience(emit, first_wait_s)],
    )


class Patience:
    """Tries again, with back-off, while the model is out of reach, limits the rate, is overloaded or fails inside.

    It does not give up: the session's time does, which cancels the request.
    """

    def __init__(self, emit: Emit, first_wait_s: float) -> None:
        self._emit = emit
        self._first_wait_s = first_wait_s

    async def __call__(self, request: APIRequest, call_next: AsyncCallNext) -> AsyncAPIResponse[Any]:
        waits = Waits(self._first_wait_s)
        while True:
            asked: str | None = None
            try:
                response = await call_next(request)
            except anthropic.APITimeoutError:
                why = "the model does not answer"
            except anthropic.APIConnectionError as error:
                why = f"the model cannot be reached ({error.__cause__ or error})"
            else:
                status = response.status_code
                hopeless = response.headers.get("x-should-retry") == "false"
                if hopeless or (status not in _PASSING and status < 500):
                    return response
                failed = "the model is overloaded" if status == _OVERLOADED else "the model's server failed"
                why = f"{_PASSING.get(status, failed)} (HTTP {status})"
                asked = response.headers.get("retry-after")
                await response.http_response.aclose()
            await waits.wait(self._emit, why, asked)


class Waits:
    """Back-off: each wait about twice the one before, or as long as the server asked for."""

    def __init__(self, first_wait_s: float) -> None:
        self._next = first_wait_s

    async def wait(self, emit: Emit, why: str, asked: str | None = None) -> None:
        seconds = self._next * random.uniform(0.75, 1.0)
        if asked is not None and asked.replace(".", "", 1).isdigit():
            seconds = max(float(asked), 0.01)
        self._next = min(self._next * 2, LONGEST_WAIT_S)
        emit(AgentWaiting(why=why, retry_s=seconds))
        await asyncio.sleep(seconds)


class Refused(UserError):
    """The endpoint refuses this key or this model: no session can go on before a person has changed something."""


def explain(error: anthropic.APIStatusError, model: str) -> Refused | None:
    """The sentence for what only a person can mend; None where the next session may fare better."""
    said = error.api_message or f"HTTP {error.status_code}"
    match error:
        case anthropic.AuthenticationError() | anthropic.PermissionDeniedError():
            return Refused(f"The model's endpoint refused the API key ({said}); check ANTHROPIC_API_KEY.")
        case anthropic.PaymentRequiredError():
            return Refused(f"The model's endpoint wants to be paid first ({said}).")
        case anthropic.NotFoundError():
            return Refused(f"The endpoint has no model {model!r} ({said}); choose another with --model.")
    return None


async def check_key(client: AsyncAnthropic, model: str) -> None:
    """Find out before the first ticket whether the key is taken. `Refused`; an endpoint without a list of models
    passes."""
    try:
        await client.models.retrieve(model)
    except anthropic.NotFoundError:
        return
    except anthropic.APIStatusError as error:
        if refused := explain(error, model):
            raise refused from error
