"""The HTTP interface to the links: GET /links, GET and PUT /links/{name}, GET /healthz."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from subjects.links.proxy import Link

MAX_LATENCY_MS = 60_000


def admin(links: Mapping[str, Link]) -> Starlette:
    """Settings are not kept: a new process begins with every link open and fast."""

    async def all_links(request: Request) -> Response:
        return JSONResponse([_shown(link) for link in links.values()])

    async def one_link(request: Request) -> Response:
        link = links.get(request.path_params["name"])
        if link is None:
            return _refused(404, f"There is no link {request.path_params['name']!r}; there are: {', '.join(links)}.")
        if request.method == "PUT":
            try:
                settings = _settings(await request.body())
            except ValueError as error:
                return _refused(400, str(error))
            link.latency_ms = settings.get("latency_ms", link.latency_ms)
            link.state = settings.get("state", link.state)
        return JSONResponse(_shown(link))

    async def healthz(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    return Starlette(
        routes=[
            Route("/links", all_links),
            Route("/links/{name}", one_link, methods=["GET", "PUT"]),
            Route("/healthz", healthz),
        ]
    )


def _settings(body: bytes) -> dict[str, Any]:
    """Only what is given changes. `ValueError` with a sentence."""
    try:
        given = json.loads(body)
    except ValueError:
        given = None
    if not isinstance(given, dict) or not given:
        raise ValueError('Send a JSON object with "state", "latency_ms" or both.')
    if unknown := given.keys() - {"state", "latency_ms"}:
        raise ValueError(f"A link has no setting {', '.join(sorted(unknown))}; it has state and latency_ms.")
    if given.get("state", "open") not in ("open", "cut"):
        raise ValueError('"state" is "open" or "cut".')
    latency = given.get("latency_ms", 0)
    numeric = isinstance(latency, int | float) and not isinstance(latency, bool) and math.isfinite(latency)
    if not numeric or not 0 <= latency <= MAX_LATENCY_MS:
        raise ValueError(f'"latency_ms" is a number from 0 to {MAX_LATENCY_MS}.')
    return given


def _shown(link: Link) -> dict[str, Any]:
    return {
        "name": link.name,
        "listen": str(link.listen),
        "upstream": str(link.upstream),
        "state": link.state,
        "latency_ms": link.latency_ms,
        "connections": link.connections,
    }


def _refused(status: int, sentence: str) -> Response:
    return JSONResponse({"error": sentence}, status)
