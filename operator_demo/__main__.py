"""`python -m operator_demo SUBJECT`: the door of the demo."""

from __future__ import annotations

import sys
from typing import NoReturn

from operator_core.cli import run_app


def main() -> NoReturn:
    try:
        from operator_demo.command import app  # here, so that a Ctrl-C while it loads ends quietly, too
    except KeyboardInterrupt:
        sys.exit(130)
    run_app(app, "operator-demo")


if __name__ == "__main__":
    main()
