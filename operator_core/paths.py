"""Where a run keeps its state: one folder a subject, below the XDG state folder unless told otherwise."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from operator_core.errors import UserError


@dataclass(frozen=True, slots=True)
class StateDir:
    """The layout of a state folder.

    operator.db          tickets, sessions, audit
    lab/lab.json         the running lab: control socket, services, addresses
    lab/processes/       a record a process that was started: pid and start time
    lab/faults/          an undo record a fault that is injected
    lab/data/SERVICE/    what a service keeps
    agent.json           the running agent: its control socket
    daemons/             a record a daemon that runs
    logs/NAME.log        output of services and daemons
    outputs/             full outputs of commands that were cut for the model
    """

    root: Path

    @classmethod
    def of(cls, subject: str, root: Path | None) -> StateDir:
        """The folder for `subject`, made if need be. `root` stands in for the XDG folder of this program."""
        base = root if root is not None else platformdirs.user_state_path("operator")
        state = cls((base / subject).expanduser().absolute())
        try:
            for folder in (state.processes, state.faults, state.data, state.daemons, state.logs, state.outputs):
                folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=state.root):
                pass
        except OSError as error:
            raise UserError(
                f"The state folder {state.root} cannot be written ({error.strerror}); "
                "choose another with --state-dir or make it writable."
            ) from error
        return state

    @property
    def database(self) -> Path:
        return self.root / "operator.db"

    @property
    def lab(self) -> Path:
        return self.root / "lab"

    @property
    def lab_file(self) -> Path:
        return self.lab / "lab.json"

    @property
    def agent_file(self) -> Path:
        return self.root / "agent.json"

    @property
    def lab_lock(self) -> Path:
        """Held by a lab for as long as it runs."""
        return self.lab / "lab.lock"

    @property
    def processes(self) -> Path:
        return self.lab / "processes"

    @property
    def faults(self) -> Path:
        return self.lab / "faults"

    @property
    def data(self) -> Path:
        return self.lab / "data"

    @property
    def daemons(self) -> Path:
        return self.root / "daemons"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def outputs(self) -> Path:
        return self.root / "outputs"
