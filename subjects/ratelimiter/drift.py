"""Compares what the store counts with what the nodes admitted, and prints the counters that disagree.

python -m subjects.ratelimiter.drift 127.0.0.1:7001 127.0.0.1:7002 127.0.0.1:7003
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from subjects.ratelimiter.counters import SETTLED_S, compare

NO_ANSWER = 2
WITHIN_S = 2.0


def main() -> int:
    """Exit status: 0 if every counter agrees, 1 if one does not, 2 if a node does not answer."""
    parser = argparse.ArgumentParser(
        prog="python -m subjects.ratelimiter.drift",
        description="Compare what the store counts with what the nodes admitted. Give every node: the sum is compared.",
    )
    parser.add_argument("nodes", nargs="+", metavar="HOST:PORT", help="the HTTP address of a node")
    nodes: list[str] = parser.parse_args().nodes
    try:
        at = _get(nodes[0], "/v1/counters?limit=1")["now"]
        time.sleep(SETTLED_S)  # by then every check up to `at` has its outcome
        with ThreadPoolExecutor(len(nodes)) as pool:
            reports = dict(
                zip(nodes, pool.map(lambda node: _get(node, f"/v1/counters?at={at:.6f}"), nodes), strict=True)
            )
    except OSError as error:
        print(f"A node gives no answer: {error}.", file=sys.stderr)
        return NO_ANSWER
    drift = compare(reports, at)
    print(f"compared {drift['compared']} counters of {len(nodes)} nodes")
    if drift["trouble"]:
        print(drift["trouble"])
    for counter in drift["drifted"]:
        most = counter["admitted"] + counter["unknown"]
        admitted = f"{counter['admitted']} to {most}" if counter["unknown"] else f"{most}"
        print(f"{counter['key']} counts {counter['count']}, admitted {admitted}")
    return 1 if drift["drifted"] else 0


def _get(node: str, path: str) -> Any:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://{node}{path}", timeout=WITHIN_S) as response:
        return json.load(response)


if __name__ == "__main__":
    sys.exit(main())
