"""The lab's options."""

from __future__ import annotations

import pytest

from subjects.ratelimiter.services import services


def test_any_number_of_nodes() -> None:
    named = [service.name for service in services({"nodes": "5"})]
    assert named == ["store", "links", "node-1", "node-2", "node-3", "node-4", "node-5", "load"]
    assert len(services({})) == 6


@pytest.mark.parametrize("nodes", ["0", "-1", "17", "three", "", "2.5", "٣x"])
def test_a_bad_number_of_nodes_is_a_sentence(nodes: str) -> None:
    with pytest.raises(ValueError, match="1 to 16"):
        services({"nodes": nodes})
