"""A local Messages API for tests: it gives prepared answers, one a request, and keeps what it was asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

REPAIRED = "node-2 was down; it was started again.\n\nOUTCOME: repaired"
ESCALATED = "Nobody knows.\n\nOUTCOME: escalate"


@dataclass(frozen=True)
class Say:
    """An answer: text, then commands. `then`: how the stream goes on after the text: to its end, it hangs, it breaks
    off, or it sends an error event or nonsense."""

    text: str
    commands: Sequence[str] = ()
    stop_reason: str | None = None
    then: str = "end"
    usage: tuple[int, int] = (100, 10)


@dataclass(frozen=True)
class Fail:
    status: int
    body: bytes = b'{"type":"error","error":{"type":"some_error","message":"as the test wants"}}'
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


class Model:
    """`answers` are used up in order. `asked`: the bodies of the requests. `hanging` is set while a stream hangs."""

    def __init__(self) -> None:
        self.answers: list[Say | Fail] = []
        self.summaries: list[Fail] = []
        self.asked: list[dict[str, Any]] = []
        self.hanging = asyncio.Event()
        self.app = Starlette(
            routes=[
                Route("/v1/messages", self._messages, methods=["POST"]),
                Route("/v1/models/{model}", self._model),
            ]
        )

    async def _messages(self, request: Request) -> Response:
        body = await request.json()
        if not body.get("stream"):
            return _summary(self.summaries)
        self.asked.append(body)
        answer = self.answers.pop(0)
        if isinstance(answer, Fail):
            return Response(answer.body, answer.status, answer.headers, answer.content_type)
        return StreamingResponse(self._stream(answer), media_type="text/event-stream")

    async def _model(self, request: Request) -> Response:
        if request.headers["authorization"] != "Bearer good":
            error = {"type": "authentication_error", "message": "invalid x-api-key"}
            return JSONResponse({"type": "error", "error": error}, 401)
        return JSONResponse({"type": "model", "id": request.path_params["model"]})

    async def _stream(self, answer: Say) -> AsyncIterator[bytes]:
        message = {
            "id": "msg_test",
            "type": "message",
            "role": "assistant",
            "model": "claude-opus-5-5",
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": answer.usage[0], "output_tokens": 0},
        }
        yield _event("message_start", message=message)
        yield _event("content_block_start", index=0, content_block={"type": "text", "text": ""})
        for word in answer.text.split(" "):
            yield _event("content_block_delta", index=0, delta={"type": "text_delta", "text": f"{word} "})
        match answer.then:
            case "hang":
                self.hanging.set()
                await asyncio.Event().wait()
            case "break":
                return
            case "error":
                yield _event("error", error={"type": "overloaded_error", "message": "Overloaded"})
                return
            case "nonsense":
                yield b"event: content_block_delta\ndata: {this is no json\n\n"
                return
        yield _event("content_block_stop", index=0)
        for index, command in enumerate(answer.commands, 1):
            block = {"type": "tool_use", "id": f"toolu_{len(self.asked)}_{index}", "name": "shell", "input": {}}
            given = json.dumps({"command": command, "reasoning": f"reason {index}"})
            yield _event("content_block_start", index=index, content_block=block)
            for piece in (given[:7], given[7:]):
                yield _event(
                    "content_block_delta", index=index, delta={"type": "input_json_delta", "partial_json": piece}
                )
            yield _event("content_block_stop", index=index)
        stop = answer.stop_reason or ("tool_use" if answer.commands else "end_turn")
        yield _event(
            "message_delta",
            delta={"stop_reason": stop, "stop_sequence": None},
            usage={"output_tokens": answer.usage[1]},
        )
        yield _event("message_stop")

    def results(self) -> list[str]:
        """The texts of the tool results in the last request."""
        found = []
        for message in self.asked[-1]["messages"]:
            for block in message["content"] if isinstance(message["content"], list) else []:
                if block["type"] == "tool_result":
                    content = block["content"]
                    found.append(content if isinstance(content, str) else "".join(part["text"] for part in content))
        return found


def _summary(failures: list[Fail]) -> Response:
    if failures:
        failure = failures.pop(0)
        return Response(failure.body, failure.status, failure.headers, failure.content_type)
    return JSONResponse(
        {
            "id": "msg_summary",
            "type": "message",
            "role": "assistant",
            "model": "claude-haiku-5-5",
            "content": [{"type": "text", "text": "In one line."}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 50, "output_tokens": 5},
        }
    )


def _event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()
