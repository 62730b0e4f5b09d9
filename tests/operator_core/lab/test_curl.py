"""The stand-in for curl does what curl does, as far as it goes."""

from __future__ import annotations

import http.server
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from operator_core.lab.environment import lab_environment
from operator_core.paths import StateDir

CURL, STAND_IN = ["curl"], [sys.executable, "-m", "operator_core.lab.curl"]


class Echo(http.server.BaseHTTPRequestHandler):
    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        self.send_response(int(self.path[1:]) if self.path[1:].isdecimal() else 200)
        self.send_header("x-seen", self.headers.get("x-tea", ""))
        self.end_headers()
        self.wfile.write(f"{self.command} {self.path} {self.headers.get('content-type')} {body}\n".encode())

    do_GET = do_PUT = do_POST = do_DELETE = answer

    def log_message(self, format: str, *args: object) -> None:
        return None


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl to compare with")
@pytest.mark.parametrize(
    "arguments",
    [
        ["-s", "http://SERVER/a"],
        ["-s", "SERVER/a?b=c"],
        ["-s", "-w", " [%{http_code}] %{url_effective}\\n", "http://{SERVER,SERVER}/{a,b}", "http://SERVER/404"],
        ["-s", "-X", "PUT", "-H", "content-type: application/json", "-d", '{"state": "open"}', "http://SERVER/x"],
        ["-s", "-d", "a=b", "http://SERVER/x"],
        ["-s", "-X", "DELETE", "http://SERVER/x"],
        ["-sf", "-m", "1", "-o", "/dev/null", "http://SERVER/503"],
        ["-sS", "-f", "http://SERVER/200"],
        ["-s", "-m", "1", "-w", "[%{http_code}]", "http://127.0.0.1:1/"],
        ["-s", "--retry", "1", "--retry-delay", "1", "--retry-connrefused", "http://127.0.0.1:1/"],
    ],
)
def test_it_says_what_curl_says(server: str, arguments: list[str]) -> None:
    given = [argument.replace("SERVER", server) for argument in arguments]
    ran = [subprocess.run([*command, *given], capture_output=True, timeout=30) for command in (CURL, STAND_IN)]
    assert ran[0].stdout == ran[1].stdout
    assert ran[0].returncode == ran[1].returncode


def test_what_it_does_not_know_it_refuses() -> None:
    ran = subprocess.run([*STAND_IN, "--http3", "http://127.0.0.1:1/"], capture_output=True, text=True, timeout=30)
    assert ran.returncode == 2
    assert "stand-in" in ran.stderr and "--http3" in ran.stderr


def test_it_is_there_only_where_curl_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = StateDir.of("toy", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    path = lab_environment(state, "toy", "run")["PATH"]
    assert shutil.which("curl", path=path) == str(state.lab / "bin" / "curl")
    (tmp_path / "curl").write_text("#!/bin/sh\n")
    (tmp_path / "curl").chmod(0o755)
    path = lab_environment(state, "toy", "run")["PATH"]
    assert shutil.which("curl", path=path) == str(tmp_path / "curl")
