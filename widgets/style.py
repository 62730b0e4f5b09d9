"""Each widget's style sheet lies beside its module."""

from __future__ import annotations

from pathlib import Path


def beside(module: str) -> str:
    """The text of the .tcss file beside the module whose `__file__` is given."""
    return Path(module).with_suffix(".tcss").read_text(encoding="utf-8")
