"""Settings from a file: `.env` in the current folder, which the environment overrules."""

from __future__ import annotations

from pathlib import Path


def load_env_file() -> None:
    """Put what `.env` says into the environment, where it is not set already."""
    file = Path(".env")
    if file.is_file():
        from dotenv import load_dotenv

        load_dotenv(file)
