"""The server: POST /v1/messages, streamed as the Messages API streams, on a port of loopback that the system chose."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from operator_core.agent.models import SCRIPTED_MODEL
from operator_core.agent.scripted.answers import Answer, answer
from operator_protocols import Playbook

CHARACTERS_PER_TOKEN = 4
"""For the figures in `usage`: estimates of what a model would have counted."""
CHARACTERS_PER_S = 450.0
TURN_S = 1.2
"""The pace: as fast as one reads along, and no answer longer than this."""
PIECES_PER_S = 40.0


def messages_api(playbook: Playbook, turn_s: float = TURN_S) -> Starlette:
    """The application. `turn_s` is how long an answer may take to stream; 0 streams without pause."""

    async def messages(request: Request) -> Response:
        body = await request.body()
        try:
            asked = json.loads(body)
            said = answer(playbook, asked["messages"])
        except (ValueError, KeyError, TypeError) as error:
            return _error(400, "invalid_request_error", f"the playbook cannot answer this: {error}")
        if not asked.get("stream"):
            return _error(400, "invalid_request_error", "this server only streams")
        tokens = len(body) // CHARACTERS_PER_TOKEN
        return StreamingResponse(_stream(said, tokens, turn_s), media_type="text/event-stream")

    async def broken(request: Request, error: Exception) -> Response:
        """A mistake in the playbook; asking again would not mend it. Starlette puts it on standard error."""
        response = _error(500, "api_error", f"the playbook failed: {type(error).__name__}: {error}")
        response.headers["x-should-retry"] = "false"
        return response

    return Starlette(routes=[Route("/v1/messages", messages, methods=["POST"])], exception_handlers={Exception: broken})


@contextlib.asynccontextmanager
async def served(app: Starlette) -> AsyncIterator[str]:
    """Serve the application in this event loop while the block runs; gives its base URL."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = _Server(
            uvicorn.Config(app, log_level="warning", lifespan="off", ws="none", timeout_graceful_shutdown=1)
        )
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # signals are the daemon's


def _error(status: int, kind: str, message: str) -> JSONResponse:
    return JSONResponse({"type": "error", "error": {"type": kind, "message": message}}, status)


async def _stream(said: Answer, input_tokens: int, turn_s: float) -> AsyncIterator[bytes]:
    start: dict[str, Any] = {
        "id": f"msg_{uuid.uuid4().hex}",
        "type": "message",
        "role": "assistant",
        "model": SCRIPTED_MODEL,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": input_tokens, "output_tokens": 0},
    }
    yield _event("message_start", message=start)
    call = said.run and json.dumps({"command": said.run.command, "reasoning": said.run.reasoning})
    length = len(said.text) + len(call or "")
    pace = min(length / CHARACTERS_PER_S, turn_s) / length
    yield _event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    for piece in _pieces(said.text, pace):
        yield _event("content_block_delta", index=0, delta={"type": "text_delta", "text": piece})
        await asyncio.sleep(len(piece) * pace)
    yield _event("content_block_stop", index=0)
    if call:
        block = {"type": "tool_use", "id": f"toolu_{uuid.uuid4().hex}", "name": "shell", "input": {}}
        yield _event("content_block_start", index=1, content_block=block)
        for piece in _pieces(call, pace):
            yield _event("content_block_delta", index=1, delta={"type": "input_json_delta", "partial_json": piece})
            await asyncio.sleep(len(piece) * pace)
        yield _event("content_block_stop", index=1)
    yield _event(
        "message_delta",
        delta={"stop_reason": "tool_use" if call else "end_turn", "stop_sequence": None},
        usage={"output_tokens": length // CHARACTERS_PER_TOKEN},
    )
    yield _event("message_stop")


def _pieces(text: str, seconds_per_character: float) -> Iterator[str]:
    """Whole words, some forty pieces a second; large pieces where there is no pace to keep."""
    size = int(1 / (PIECES_PER_S * seconds_per_character)) if seconds_per_character else 4096
    piece = ""
    for word in re.findall(r"\s*\S+\s*", text) or [text]:
        piece += word
        if len(piece) >= size:
            yield piece
            piece = ""
    if piece:
        yield piece


def _event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()
