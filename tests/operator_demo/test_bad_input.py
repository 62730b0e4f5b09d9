"""Each piece of bad input gets one clear sentence and exit status 2: no traceback, nothing lost, nothing left."""

from __future__ import annotations

import fcntl
import os
import pty
import sqlite3
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pytest

Refused = Callable[..., str]


@pytest.fixture
def refused(tmp_path: Path) -> Refused:
    """Run the demo headless with these arguments, and give the one sentence with which it refuses."""

    def run(*arguments: str, headless: bool = True, env: dict[str, str] | None = None) -> str:
        options = ["--headless"] if headless else []
        done = subprocess.run(
            [sys.executable, "-m", "operator_demo", *arguments, *options],
            capture_output=True,
            text=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
            cwd=tmp_path,
            env={**os.environ, "OPERATOR_STATE_DIR": str(tmp_path / "state"), **(env or {})},
        )
        assert done.returncode == 2, done.stdout + done.stderr
        assert done.stdout == ""
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
        return done.stderr

    return run


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["kettle"], "There is no subject 'kettle'; choose one of: ratelimiter"),
        ([], "Say which subject"),
        (["ratelimiter", "--fault", "earthquake"], "no fault 'earthquake'; choose one of:"),
        (["ratelimiter", "--frobnicate"], "--frobnicate"),
        (["ratelimiter", "--seed", "many"], "--seed"),
        (["ratelimiter", "--agent", "gpt"], "gpt"),
        (["ratelimiter", "--chapters", "nowhere"], "There is no folder of chapters at nowhere"),
        (["ratelimiter", "--deployment", "compose"], "not built yet; use --deployment processes"),
        (["ratelimiter", "--deployment", "attach"], "not built yet; use --deployment processes"),
        (["ratelimiter", "--mode", "approve"], "not built yet; use --mode"),
        (["ratelimiter", "more"], "more"),
    ],
)
def test_a_wrong_command_line(refused: Refused, arguments: list[str], says: str) -> None:
    assert says in refused(*arguments)


def test_a_wrong_setting_in_the_environment_or_in_the_env_file(refused: Refused, tmp_path: Path) -> None:
    assert "sometimes" in refused("ratelimiter", env={"OPERATOR_AGENT": "sometimes"})
    (tmp_path / ".env").write_text("OPERATOR_DEPLOYMENT=compose\n")
    assert "The deployment compose is not built yet" in refused("ratelimiter")


def test_claude_without_a_key(refused: Refused) -> None:
    assert "set ANTHROPIC_API_KEY" in refused("ratelimiter", "--agent", "claude", env={"ANTHROPIC_API_KEY": ""})


def test_a_broken_chapter_is_named_with_its_line(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "01-bad.md").write_text('+++\ntitle = "x"\ncountdown = soon\n+++\n')
    assert "01-bad.md, line 3:" in refused("ratelimiter", "--chapters", str(tmp_path))


def test_a_chapter_with_a_fault_that_the_subject_lacks(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "01.md").write_text('+++\ntitle = "x"\nfault = "earthquake"\n+++\n')
    assert "'earthquake'" in refused("ratelimiter", "--chapters", str(tmp_path))


def test_a_state_folder_that_cannot_be_made(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot be written" in refused("ratelimiter", "--state-dir", str(tmp_path / "file"))


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file system that refuses root, too")
def test_a_read_only_state_folder(refused: Refused) -> None:
    assert "/proc/operator/ratelimiter cannot be written" in refused("ratelimiter", "--state-dir", "/proc/operator")


@pytest.mark.parametrize("damage", ["newer", "damaged", "foreign", "empty"])
def test_a_database_that_cannot_be_used_is_left_as_it_is(refused: Refused, tmp_path: Path, damage: str) -> None:
    file = tmp_path / "old.db"
    if damage == "damaged":
        file.write_bytes(os.urandom(8192))
    elif damage == "empty":
        file.touch()
    else:
        with sqlite3.connect(file) as connection:
            connection.execute("CREATE TABLE notes (text)")
            if damage == "newer":
                connection.execute(f"PRAGMA application_id = {int.from_bytes(b'OPTR', 'big')}")
                connection.execute("PRAGMA user_version = 9999")
        connection.close()
    before = file.read_bytes()
    says = refused("ratelimiter", "--db", str(file))
    assert str(file) in says
    assert ("9999" in says) == (damage == "newer")
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.glob("old*")] == ["old.db"]


def test_no_terminal_to_draw_on(refused: Refused) -> None:
    assert "use --headless" in refused("ratelimiter", headless=False)


@pytest.mark.parametrize(("columns", "rows"), [(79, 24), (80, 23)])
def test_a_terminal_that_is_too_small(tmp_path: Path, columns: int, rows: int) -> None:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    env = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
    done = subprocess.run(
        [sys.executable, "-m", "operator_demo", "ratelimiter", "--state-dir", str(tmp_path)],
        stdin=slave,
        stdout=slave,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        env=env,
    )
    os.close(slave)
    os.close(master)
    assert done.returncode == 2
    assert done.stderr.strip() == (
        f"The terminal has {columns}x{rows}, and the demo needs 80x24; enlarge it, or use --headless."
    )


def test_a_store_that_does_not_start(refused: Refused, tmp_path: Path) -> None:
    broken = tmp_path / "bin" / "redis-server"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\necho 'no such cpu' >&2\nexit 3\n")
    broken.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-m", "operator_demo", "ratelimiter", "--headless", "--state-dir", str(tmp_path / "state")],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PATH": f"{broken.parent}:{os.environ['PATH']}"},
    )
    assert done.returncode == 2
    assert "store" in done.stderr and "no such cpu" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("command", [["operator_demo"], ["operator_core.cli"], ["operator_core.cli", "lab"]])
def test_help_helps(command: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", *command, "--help"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0
    assert "operator" in done.stdout.lower()
