"""What the lab's processes see of our environment, and the commands that they find there."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

from operator_core.paths import StateDir

PASSED_ON = frozenset(["HOME", "LANG", "LOGNAME", "PYTHONPATH", "SHELL", "TMPDIR", "TZ", "USER"])
"""And LC_*. Nothing else: keys and other secrets of whoever started the lab stay out of it."""

RUN = "OPERATOR_LAB_RUN"
"""Set for every process of a lab to the name of this run of it, so that none is missed at the end."""


def lab_environment(state: StateDir, subject: str, run: str) -> dict[str, str]:
    """For the services, and for commands in the lab's shell. PATH begins with the commands `lab` and `python`."""
    here = {name: value for name, value in os.environ.items() if name in PASSED_ON or name.startswith("LC_")}
    path = [str(_commands(state)), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    return {
        **here,
        "PATH": os.pathsep.join(path),
        "TERM": "dumb",
        "PYTHONUNBUFFERED": "1",
        "OPERATOR_STATE_DIR": str(state.root.parent),
        "OPERATOR_SUBJECT": subject,
        RUN: run,
    }


def curl_is_missing() -> bool:
    return shutil.which("curl") is None


def _commands(state: StateDir) -> Path:
    """A folder with the command `lab`, which is `operator lab` of this installation, and with a stand-in for curl on a
    machine that has none."""
    folder = state.lab / "bin"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    commands = {"lab": "operator_core.cli lab"}
    if curl_is_missing():
        commands["curl"] = "operator_core.lab.curl"
    for name, module in commands.items():
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m {module} "$@"\n')
        script.chmod(0o755)
    return folder
