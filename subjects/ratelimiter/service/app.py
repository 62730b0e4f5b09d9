"""The HTTP interface of a node."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from subjects.ratelimiter.service import answers
from subjects.ratelimiter.service.limiter import Config, FailureMode
from subjects.ratelimiter.service.limits import MAX_COST, Key, Limit
from subjects.ratelimiter.service.metrics import CONTENT_TYPE
from subjects.ratelimiter.service.node import MAX_COUNTERS, Node, TimeOutOfReach
from subjects.ratelimiter.service.store_client import StoreError

MAX_BODY = 65_536

T = TypeVar("T")


class CheckRequest(msgspec.Struct, forbid_unknown_fields=True):
    key: Key
    cost: Annotated[int, Meta(ge=1, le=MAX_COST)] = 1


class ConfigChange(msgspec.Struct, forbid_unknown_fields=True):
    """What is not given stays as it is."""

    failure_mode: FailureMode | UnsetType = UNSET
    store_timeout_ms: Annotated[int, Meta(ge=1, le=10_000)] | UnsetType = UNSET
    default_limit: Limit | UnsetType = UNSET


class CounterQuery(msgspec.Struct):
    at: Annotated[float, Meta(ge=0, le=4e9)] | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_COUNTERS)] = MAX_COUNTERS
    key: list[Key] = []


def make_app(node: Node) -> Starlette:
    async def check(request: Request) -> Response:
        asked = await _body(request, _check_decoder)
        return answers.decision(await node.limiter.check(asked.key, asked.cost))

    async def limits(_: Request) -> Response:
        return answers.json([answers.limit(key, limit) for key, limit in await node.limits()])

    async def get_limit(request: Request) -> Response:
        key = _key(request)
        limit = await node.limit(key)
        return _no_limit(key) if limit is None else answers.json(answers.limit(key, limit))

    async def put_limit(request: Request) -> Response:
        key, limit = _key(request), await _body(request, _limit_decoder)
        await node.set_limit(key, limit)
        return answers.json(answers.limit(key, limit))

    async def delete_limit(request: Request) -> Response:
        key = _key(request)
        return Response(status_code=204) if await node.set_limit(key, None) else _no_limit(key)

    async def counters(request: Request) -> Response:
        query = _convert({**request.query_params, "key": request.query_params.getlist("key")}, CounterQuery)
        try:
            return answers.json(await node.counters(query.at, query.key, query.limit))
        except TimeOutOfReach as error:
            raise HTTPException(400, f"{error}.") from error

    async def delete_counter(request: Request) -> Response:
        key = _key(request)
        return answers.json({"key": key, "reset_at": await node.reset_counter(key)})

    async def nodes(_: Request) -> Response:
        return answers.json(await node.members())

    async def get_config(_: Request) -> Response:
        return answers.json(_config(node.limiter.config))

    async def put_config(request: Request) -> Response:
        change = await _body(request, _config_decoder)
        node.limiter.config = msgspec.structs.replace(
            node.limiter.config,
            **{name: value for name, value in msgspec.structs.asdict(change).items() if value is not UNSET},
        )
        return answers.json(_config(node.limiter.config))

    async def health(_: Request) -> Response:
        return answers.json({"node": node.name, "process": "up"})

    async def ready(_: Request) -> Response:
        try:
            await node.ping_store()
        except StoreError as error:
            return answers.json({"node": node.name, "store": f"the store {error}"}, 503)
        return answers.json({"node": node.name, "store": "up"})

    async def metrics(_: Request) -> Response:
        return Response(node.metrics.text(), headers={"Content-Type": CONTENT_TYPE})

    return Starlette(
        routes=[
            Route("/v1/check", check, methods=["POST"]),
            Route("/v1/limits", limits),
            Route("/v1/limits/{key:path}", get_limit, methods=["GET"]),
            Route("/v1/limits/{key:path}", put_limit, methods=["PUT"]),
            Route("/v1/limits/{key:path}", delete_limit, methods=["DELETE"]),
            Route("/v1/counters", counters),
            Route("/v1/counters/{key:path}", delete_counter, methods=["DELETE"]),
            Route("/v1/nodes", nodes),
            Route("/v1/config", get_config, methods=["GET"]),
            Route("/v1/config", put_config, methods=["PUT"]),
            Route("/healthz", health),
            Route("/readyz", ready),
            Route("/metrics", metrics),
        ],
        exception_handlers={HTTPException: _refused, StoreError: _store_lost},
        max_body_size=MAX_BODY,
    )


_check_decoder = msgspec.json.Decoder(CheckRequest)
_limit_decoder = msgspec.json.Decoder(Limit)
_config_decoder = msgspec.json.Decoder(ConfigChange)


async def _body(request: Request, decoder: msgspec.json.Decoder[T]) -> T:
    body = await request.body()
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise HTTPException(400, f"{error}.") from error


def _convert(value: Any, type_: type[T]) -> T:
    try:
        return msgspec.convert(value, type_, strict=False)
    except msgspec.ValidationError as error:
        raise HTTPException(400, f"{error}.") from error


def _key(request: Request) -> str:
    return _convert({"key": request.path_params["key"]}, CheckRequest).key


def _config(config: Config) -> dict[str, Any]:
    default = answers.limit("", config.default_limit)
    del default["key"]
    return {
        "failure_mode": config.failure_mode,
        "store_timeout_ms": config.store_timeout_ms,
        "default_limit": default,
    }


def _no_limit(key: str) -> Response:
    return answers.problem(404, "Not Found", f"No limit is stored for {key}; the default limit of each node applies.")


Handler = Callable[[Request, Exception], Response | Awaitable[Response]]


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    titles = {400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 413: "Content Too Large"}
    title = titles.get(error.status_code, "Error")
    return answers.problem(error.status_code, title, error.detail, headers=error.headers)


async def _store_lost(_: Request, error: Exception) -> Response:
    return answers.store_lost(f"The store {error}.")
