"""What tests of several packages share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.stores import RealStore, running_store


@pytest.fixture
async def valkey(tmp_path: Path) -> AsyncIterator[RealStore]:
    """A fresh real store: `valkey.address`, `await valkey.kill()`, `valkey.pause()`..."""
    data_dir = tmp_path / "store"
    data_dir.mkdir()
    async with running_store(data_dir) as store:
        yield store
