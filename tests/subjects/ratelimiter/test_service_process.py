"""The node as a process: its command line, its signals, its end."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.stores import HOST, RealStore
from tests.subjects.ratelimiter.nodes import node_process
from tests.waiting import until

SERVICE = (sys.executable, "-m", "subjects.ratelimiter.service")
LOAD = (sys.executable, "-m", "subjects.ratelimiter.load")


def run(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL, check=False)


@pytest.mark.parametrize("command", [SERVICE, LOAD], ids=["service", "load"])
def test_help_has_examples(command: tuple[str, ...]) -> None:
    shown = run(*command, "--help")
    assert shown.returncode == 0
    assert f"python -m {command[-1]} --" in shown.stdout


BAD_FLAGS = [
    (*SERVICE, "--port", "http"),
    (*SERVICE, "--port", "70000"),
    (*SERVICE, "--store", "nowhere"),
    (*SERVICE, "--name", "two words"),
    (*SERVICE, "--failure-mode", "maybe"),
    (*SERVICE, "--store-timeout-ms", "0"),
    (*SERVICE, "--default-limit", "-1"),
    (*SERVICE, "--unknown"),
    (*LOAD,),
    (*LOAD, "--node", "nowhere"),
    (*LOAD, "--node", "127.0.0.1:1", "--rate", "0"),
    (*LOAD, "--node", "127.0.0.1:1", "--keys", "none"),
]


@pytest.mark.parametrize("argv", BAD_FLAGS, ids=lambda argv: " ".join(argv[2:]))
def test_a_bad_flag_gets_one_sentence(argv: tuple[str, ...]) -> None:
    refused = run(*argv)
    assert refused.returncode == 2
    assert re.fullmatch(r"[^\n]+\n", refused.stderr)
    assert refused.stdout == ""


@pytest.mark.parametrize("argv", [SERVICE, (*LOAD, "--node", "127.0.0.1:1")], ids=["service", "load"])
def test_a_port_that_is_taken_gets_one_sentence(argv: tuple[str, ...]) -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        refused = run(*argv, "--port", str(port))
    assert refused.returncode == 2
    assert re.fullmatch(rf"[^\n]*{HOST}:{port}[^\n]*\n", refused.stderr)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_at_once_and_cleanly(valkey: RealStore, number: signal.Signals) -> None:
    async with node_process(valkey.address, "node-1") as node:
        await until(node.ready, what="the node to reach the store")
        began = time.monotonic()
        node.process.send_signal(number)
        _, errors = await node.process.communicate()
        assert node.process.returncode == 0
        assert time.monotonic() - began < 5
        assert "Traceback" not in errors.decode()


async def test_checks_on_their_way_are_answered_before_it_ends(valkey: RealStore) -> None:
    async with node_process(valkey.address, "node-1", "--store-timeout-ms", "500") as node:
        await until(node.ready, what="the node to reach the store")
        valkey.pause()
        check = asyncio.create_task(node.check("alice"))
        await node.get("/healthz")  # asked after the check, so the check has been taken
        node.process.terminate()
        assert (await check).json()["decided_by"] == "open"


async def test_a_node_that_hung_works_on(valkey: RealStore) -> None:
    async with node_process(valkey.address, "node-1") as node:
        await until(node.ready, what="the node to reach the store")
        node.pause()
        waiting = asyncio.create_task(node.check("alice"))
        await asyncio.wait((waiting,), timeout=0.5)
        assert not waiting.done()
        node.resume()
        assert (await waiting).status_code == 200
        await until(node.ready, what="the node to reach the store again")


def test_scripts_are_found_wherever_it_runs(tmp_path: Path) -> None:
    code = "from subjects.ratelimiter.service import scripts; print(len(scripts.CHECK.sha))"
    shown = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, cwd=tmp_path, check=True)
    assert shown.stdout == "40\n"
