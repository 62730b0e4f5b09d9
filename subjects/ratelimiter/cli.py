"""One command to a Valkey or Redis, its reply printed as redis-cli does.

python -m subjects.ratelimiter.cli 127.0.0.1:6379 CLIENT LIST
python -m subjects.ratelimiter.cli 127.0.0.1:6379 ZRANGE 'rl:{customer-001}:log' 0 -1 WITHSCORES
"""

from __future__ import annotations

import argparse
import socket
import sys
from typing import Any

import hiredis

from subjects.arguments import Parser, address

NO_ANSWER, ERROR_REPLY = 2, 1


def main() -> int:
    """Exit status: 0, 1 if the store answered with an error, 2 if it did not answer."""
    parser = Parser(
        prog="python -m subjects.ratelimiter.cli",
        description="Send one command to a Valkey or Redis and print the reply.",
        epilog="example: python -m subjects.ratelimiter.cli 127.0.0.1:6379 INFO clients",
    )
    parser.add_argument("--timeout", type=float, default=5.0, metavar="S", help="seconds to wait (default: 5)")
    parser.add_argument("address", type=address, metavar="HOST:PORT", help="where the store is")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND", help="the command and its arguments")
    args = parser.parse_args()
    host, port = args.address
    if not args.command:
        parser.error("a command is missing")
    try:
        reply = ask(host, port, args.command, args.timeout)
    except TimeoutError:
        print(f"No answer from {host}:{port} within {args.timeout:g} s.", file=sys.stderr)
        return NO_ANSWER
    except (OSError, hiredis.ProtocolError) as error:
        print(f"No answer from {host}:{port}: {error}.", file=sys.stderr)
        return NO_ANSWER
    print(formatted(reply))
    return ERROR_REPLY if isinstance(reply, hiredis.ReplyError) else 0


def ask(host: str, port: int, command: list[str], timeout_s: float) -> Any:
    reader = hiredis.Reader(encoding="utf-8", errors="backslashreplace")
    with socket.create_connection((host, port), timeout=timeout_s) as connection:
        connection.sendall(hiredis.pack_command(tuple(command)))  # type: ignore[arg-type]  # its stub: one word
        while (reply := reader.gets()) is False:
            data = connection.recv(65536)
            if not data:
                raise ConnectionResetError("it hung up")
            reader.feed(data)
    return reply


def formatted(reply: Any, indent: str = "") -> str:
    """As redis-cli writes for people; text of several lines (INFO, CLIENT LIST) stays as it is."""
    match reply:
        case hiredis.ReplyError():
            return f"(error) {reply}"
        case None:
            return "(nil)"
        case int():
            return f"(integer) {reply}"
        case []:
            return "(empty array)"
        case list():
            width = len(str(len(reply)))
            inner = indent + " " * (width + 2)
            lines = [f"{n:>{width}}) {formatted(item, inner)}" for n, item in enumerate(reply, 1)]
            return f"\n{indent}".join(lines)
    return str(reply).rstrip("\r\n") if indent == "" else f'"{reply}"'


if __name__ == "__main__":
    sys.exit(main())
