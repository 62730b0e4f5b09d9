"""Single questions to the parts of a lab. What goes wrong is told apart: refused, timed out, hung up, wrong answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx

from operator_protocols import Address


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why there is no answer to use. `state` is one word for a cluster row; `text` goes on after the service's name."""

    state: str
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is what the JSON holds; the text where it is none."""

    status: int
    body: Any


class Http:
    """Questions over HTTP, each on a connection of its own: an old connection says nothing about a port.

    All that is asked after `begin` has `timeout_s` together, so questions that wait for each other take no longer.
    """

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self._deadline = 0.0
        self._client = httpx.AsyncClient(
            timeout=None,
            trust_env=False,
            verify=False,  # plain HTTP: there are no certificates to load
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    def begin(self) -> None:
        self._deadline = asyncio.get_running_loop().time() + self.timeout_s

    async def ask(self, method: str, address: Address, path: str, json: Any = None) -> Answer | Trouble:
        try:
            async with asyncio.timeout_at(self._deadline):
                response = await self._client.request(method, f"http://{address}{path}", json=json)
        except TimeoutError:
            return timed_out(address, self.timeout_s)
        except httpx.ConnectError:
            return refused(address)
        except httpx.TransportError as error:
            return Trouble("failing", f"breaks off on {address} without an answer ({type(error).__name__})")
        if "json" not in response.headers.get("content-type", ""):
            return Answer(response.status_code, response.text)
        try:
            return Answer(response.status_code, response.json())
        except ValueError:
            return Trouble("failing", f"answers {method} {path} on {address} with broken JSON")

    async def get(self, address: Address, path: str) -> Answer | Trouble:
        """As `ask`, where any status but 2xx is trouble."""
        answer = await self.ask("GET", address, path)
        if isinstance(answer, Answer) and not 200 <= answer.status < 300:
            return unexpected(address, f"GET {path}", answer)
        return answer

    async def aclose(self) -> None:
        await self._client.aclose()


def refused(address: Address) -> Trouble:
    return Trouble("down", f"refuses connections on {address}")


def timed_out(address: Address, seconds: float) -> Trouble:
    return Trouble("hung", f"gives no answer on {address} within {seconds:g} s")


def unexpected(address: Address, question: str, answer: Answer) -> Trouble:
    return Trouble("failing", f"answers {question} on {address} with status {answer.status}")


async def store_time(address: Address, timeout_s: float) -> float | Trouble:
    """The clock of a Valkey or Redis, in seconds since 1970; it shows that the store answers commands."""
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(address.host, address.port)
            writer.write(b"TIME\r\n")
            lines = [(await reader.readline()).strip()]
            if lines[0] == b"*2":
                lines += [(await reader.readline()).strip() for _ in range(4)]
    except TimeoutError:
        return timed_out(address, timeout_s)
    except ConnectionRefusedError:
        return refused(address)
    except OSError as error:
        return Trouble("failing", f"breaks off on {address} without an answer ({error.strerror})")
    finally:
        if writer is not None:
            writer.close()
    try:
        _, _, seconds, _, microseconds = lines
        return int(seconds) + int(microseconds) / 1e6
    except ValueError:
        return Trouble("failing", f"answers TIME on {address} with {lines[0].decode(errors='replace')!r}")
