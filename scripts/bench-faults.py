"""Each fault, several runs in a row, headless: how long detection and verified repair take, and what is left behind.

    scripts/bench-faults.py ratelimiter --runs 20 [--fault NAME ...]

Prints a line a fault: runs, verified, median and worst seconds from the injection to detection and to verification, and
how many processes, listening ports and undo records were left. Exit status 1 if one run was not verified or left
something.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil

from operator_core.events import ServiceChanged, decode
from operator_core.registry import load_subject


def run(subject: str, fault: str, seed: int, root: Path) -> dict[str, object]:
    """One show; gives its summary, with what it left behind."""
    command = [sys.executable, "-m", "operator_demo", subject, "--headless", "--fault", fault, "--seed", str(seed)]
    show = subprocess.run(
        [*command, "--agent", "scripted", "--state-dir", str(root)],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "OPERATOR_STATE_DIR": str(root)},
    )
    lines = [line for line in show.stdout.splitlines() if line.startswith("summary: ")]
    summary = json.loads(lines[-1].removeprefix("summary: ")) if lines else {"verified": False}
    summary["processes_left"] = sum(ours(process, root) for process in psutil.process_iter())
    summary["ports_left"] = len(listening() & ports_of(root / subject))
    summary["faults_left"] = len(list((root / subject / "lab" / "faults").glob("*.json")))
    summary["status"] = show.returncode
    if show.returncode:
        sys.stderr.write(show.stdout[-3000:] + show.stderr[-3000:])
    return summary


def ours(process: psutil.Process, root: Path) -> bool:
    """Every process of the show names its state folder: on its command line, in its environment, or by where it is."""
    try:
        traces = [*process.cmdline(), process.cwd(), process.environ().get("OPERATOR_STATE_DIR", "")]
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False
    return any(str(root) in trace for trace in traces)


def ports_of(state: Path) -> set[int]:
    """The ports that the services of the show had."""
    events = [
        decode(line) for file in (state / "logs").glob("events-*.jsonl") for line in file.read_bytes().splitlines()
    ]
    changes = [event for event in events if isinstance(event, ServiceChanged)]
    return {int(address.rpartition(":")[2]) for change in changes for address in change.ports.values()}


def listening() -> set[int]:
    return {
        connection.laddr.port
        for connection in psutil.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.ip == "127.0.0.1"
    }


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):6.2f} {max(values):6.2f}" if values else "     -      -"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("subject")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--fault", action="append", help="only this one; may be repeated")
    options = parser.parse_args()
    faults = options.fault or [fault.name for fault in load_subject(options.subject).faults]
    failed = False
    print(f"{'fault':20} {'runs':>4} {'verified':>8}   detected: median, worst   verified: median, worst   left behind")
    for fault in faults:
        results = []
        for seed in range(options.runs):
            with tempfile.TemporaryDirectory(prefix="operator-bench-") as root:
                results.append(run(options.subject, fault, seed, Path(root)))
        verified = [result for result in results if result["verified"] and result["status"] == 0]
        detected = [float(str(result["detected_s"])) for result in verified]
        repaired = [float(str(result["verified_s"])) for result in verified]
        left = sum(int(str(result[f"{what}_left"])) for result in results for what in ("processes", "ports", "faults"))
        failed = failed or len(verified) < len(results) or left > 0
        figures = f"{spread(detected):>23}   {spread(repaired):>23}   {left:11}"
        print(f"{fault:20} {len(results):4} {len(verified):8}   {figures}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
