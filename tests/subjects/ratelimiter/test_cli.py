"""The command that speaks to the store."""

from __future__ import annotations

import asyncio
import socket
import sys

import pytest

from subjects.ratelimiter.cli import formatted
from tests.stores import HOST, RealStore


async def cli(*arguments: str) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "subjects.ratelimiter.cli"),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def test_replies_are_printed_as_redis_cli_does(valkey: RealStore) -> None:
    async def ask(*command: str) -> str:
        status, out, err = await cli(str(valkey.address), *command)
        assert (status, err) == (0, "")
        return out

    assert await ask("PING") == "PONG\n"
    assert await ask("ZADD", "log", "1", "a", "2.5", "b") == "(integer) 2\n"
    assert await ask("ZRANGE", "log", "0", "-1", "WITHSCORES") == '1) "a"\n2) "1"\n3) "b"\n4) "2.5"\n'
    assert await ask("GET", "nothing") == "(nil)\n"
    assert await ask("KEYS", "no*") == "(empty array)\n"
    assert "cmd=client|list" in await ask("CLIENT", "LIST")
    assert await ask("SET", "flag", "--timeout") == "OK\n"


async def test_an_error_is_printed_and_shows_in_the_status(valkey: RealStore) -> None:
    status, out, _ = await cli(str(valkey.address), "NONSENSE")
    assert status == 1
    assert out.startswith("(error) ERR unknown command")


def test_arrays_in_arrays_are_indented() -> None:
    assert formatted([b"".decode(), [1, ["a"]], None]) == '1) ""\n2) 1) (integer) 1\n   2) 1) "a"\n3) (nil)'


@pytest.mark.parametrize("arguments", [("nowhere", "PING"), ("127.0.0.1:http", "PING"), ("127.0.0.1:6379",), ()])
async def test_a_bad_command_line_is_refused(arguments: tuple[str, ...]) -> None:
    status, out, err = await cli(*arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)


async def test_nobody_there_and_nobody_answering() -> None:
    with socket.create_server((HOST, 0)) as silent:
        port = silent.getsockname()[1]
        status, _, err = await cli("--timeout", "0.2", f"{HOST}:{port}", "PING")
        assert (status, err) == (2, f"No answer from {HOST}:{port} within 0.2 s.\n")
    status, _, err = await cli(f"{HOST}:{port}", "PING")
    assert status == 2
    assert "refused" in err
