"""A stand-in for curl, for machines that have none: plain HTTP, and the options that one looks at a service with.

Exit statuses are curl's: 2 for what it does not know, 6, 7 or 28 where there is no answer, 22 with -f for an error.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NoReturn
from urllib.parse import urlsplit

BAD_USE, NO_HOST, REFUSED, HTTP_ERROR, TIMED_OUT = 2, 6, 7, 22, 28
_GLOB = re.compile(r"\{([^{}]*)\}")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(BAD_USE, f"curl (stand-in): {message}; install curl for more than the basics.\n")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _Parser(prog="curl", description=__doc__, allow_abbrev=False)
    parser.add_argument("urls", nargs="+", metavar="URL")
    for flag in ("-s --silent", "-S --show-error", "-f --fail", "-i --include", "--retry-connrefused"):
        parser.add_argument(*flag.split(), action="store_true")
    parser.add_argument("-X", "--request", default="")
    parser.add_argument("-H", "--header", action="append", default=[])
    parser.add_argument("-d", "--data")
    parser.add_argument("-m", "--max-time", type=float, default=30.0)
    parser.add_argument("-w", "--write-out", default="")
    parser.add_argument("-o", "--output", default="-")
    parser.add_argument("--retry", type=int, default=0)
    parser.add_argument("--retry-delay", type=float, default=1.0)
    given = parser.parse_args(arguments)
    status = 0
    for url in itertools.chain.from_iterable(map(_globbed, given.urls)):
        for left in range(given.retry, -1, -1):
            status, code, answer = _ask(url, given)
            again = status == TIMED_OUT or code in (408, 429, 500, 502, 503, 504)
            if not left or not (again or (status == REFUSED and given.retry_connrefused)):
                break
            time.sleep(given.retry_delay)
        _write(given.output, answer)
        told = given.write_out.replace("\\n", "\n").replace("%{http_code}", f"{code:03}")
        _write("-", told.replace("%{url_effective}", url).encode())
        if status and (given.show_error or not given.silent):
            print(f"curl: ({status}) no answer from {url}", file=sys.stderr)
    return status


def _globbed(url: str) -> Iterator[str]:
    """http://{a,b}/{x,y} as curl reads it, the last choice changing fastest."""
    parts = [part.split(",") if at % 2 else [part] for at, part in enumerate(_GLOB.split(url))]
    return ("".join(choice) for choice in itertools.product(*parts))


def _ask(url: str, given: argparse.Namespace) -> tuple[int, int, bytes]:
    """Exit status, HTTP status (0 without an answer), and what is to be shown."""
    where = urlsplit(url if "://" in url else f"http://{url}")
    headers = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in given.header)}
    if given.data is not None:
        headers.setdefault("content-type", "application/x-www-form-urlencoded")
    method = given.request or ("GET" if given.data is None else "POST")
    path = f"{where.path or '/'}{'?' + where.query if where.query else ''}"
    try:
        connection = http.client.HTTPConnection(where.hostname or "", where.port or 80, timeout=given.max_time)
        connection.request(method, path, None if given.data is None else given.data.encode(), headers)
        response = connection.getresponse()
        body = response.read()
    except TimeoutError:
        return TIMED_OUT, 0, b""
    except ConnectionError:
        return REFUSED, 0, b""
    except (OSError, http.client.HTTPException):
        return NO_HOST, 0, b""
    if given.fail and response.status >= 400:
        return HTTP_ERROR, response.status, b""
    head = f"HTTP/1.1 {response.status} {response.reason}\r\n{response.headers}".encode() if given.include else b""
    return 0, response.status, head + body


def _write(output: str, data: bytes) -> None:
    if output == "-":
        out: BinaryIO = sys.stdout.buffer
        out.write(data)
        out.flush()
    else:
        with Path(output).open("wb") as out:
            out.write(data)


if __name__ == "__main__":
    sys.exit(main())
