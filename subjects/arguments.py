"""What the command lines of the subjects share."""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One sentence, and exit status 2."""
        print(f"{self.prog}: {message}; see --help.", file=sys.stderr)
        raise SystemExit(2)


def port(text: str) -> int:
    """A type for argparse."""
    if not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port (0 to 65535)")
    return int(text)


def address(text: str) -> tuple[str, int]:
    """A type for argparse: HOST:PORT, with or without http:// before it."""
    host, _, number = text.removeprefix("http://").rstrip("/").rpartition(":")
    if not host:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return host.strip("[]"), port(number)
