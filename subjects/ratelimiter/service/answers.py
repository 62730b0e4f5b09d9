"""Decisions and errors as HTTP: the IETF's RateLimit fields and problem types."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from subjects.ratelimiter.service.limiter import Decision
from subjects.ratelimiter.service.limits import Limit

PROBLEMS = "https://iana.org/assignments/http-problem-types#"
RETRY_LOST_STORE_S = 1

_encode = msgspec.json.encode


def json(body: Any, status: int = 200) -> Response:
    return Response(_encode(body), status, media_type="application/json")


def problem(
    status: int,
    title: str,
    detail: str,
    type_: str = "about:blank",
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    body = {"type": type_, "title": title, "status": status, "detail": detail, **more}
    return Response(_encode(body), status, headers, media_type="application/problem+json")


def store_lost(detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
    """503: a lost store is never the client's fault."""
    return problem(
        503,
        "Temporarily reduced capacity",
        detail,
        PROBLEMS + "temporary-reduced-capacity",
        {**(headers or {}), "Retry-After": str(RETRY_LOST_STORE_S)},
        **more,
    )


def limit(key: str, value: Limit) -> dict[str, Any]:
    body = {"key": key, "limit": value.limit, "window_s": value.window_s, "algorithm": value.algorithm}
    return body | ({"burst": value.at_once} if value.algorithm == "gcra" else {})


def decision(made: Decision) -> Response:
    policy = "limit" if made.stored else "default"
    headers = {"RateLimit-Policy": _policy(policy, made.limit)}
    body: dict[str, Any] = {
        "allowed": made.allowed,
        "key": made.key,
        "limit": made.limit.limit,
        "remaining": made.remaining,
        "reset_s": made.more_s,
        "decided_by": made.decided_by,
    }
    if made.decided_by == "closed":
        return store_lost("The limit cannot be checked: the store is not reached.", headers, **body)
    wait_s = 0
    if made.remaining is not None and made.more_s is not None:
        wait_s = math.ceil(made.more_s)
        headers["RateLimit"] = f'"{policy}";r={made.remaining};t={wait_s}'
    if made.allowed:
        return Response(_encode(body), 200, headers, media_type="application/json")
    if made.retry_s is None:
        detail = "This costs more than the limit allows at once; waiting does not help."
    else:
        headers["Retry-After"] = str(max(1, wait_s, math.ceil(made.retry_s)))
        detail = f"The limit of {made.limit.limit} in {made.limit.window_s:g} s is used up."
    return problem(
        429,
        "Quota exceeded",
        detail,
        PROBLEMS + "quota-exceeded",
        headers,
        **body,
        **{"violated-policies": [policy], "retry_after_s": made.retry_s},
    )


def _policy(name: str, value: Limit) -> str:
    """The window is left out where it is no whole number of seconds: the field cannot say it."""
    window = f";w={value.window_s:.0f}" if value.window_s.is_integer() else ""
    return f'"{name}";q={value.limit}{window}'
