"""The way to the model when it is blocked: a refused key, limits, outages."""

from __future__ import annotations

import socket

import pytest

from operator_core.agent.budgets import Budget
from operator_core.agent.client import LONGEST_WAIT_S, Refused, Waits, check_key, connect
from operator_core.errors import UserError
from operator_core.events import AgentWaiting, SessionEnded
from tests.operator_core.agent.conftest import House
from tests.operator_core.agent.model import REPAIRED, Fail, Say


def test_a_missing_key_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    with pytest.raises(UserError, match="set ANTHROPIC_API_KEY"):
        connect(lambda event: None)


async def test_a_key_is_tried_before_the_first_ticket(house: House) -> None:
    async with connect(house.emit, base_url=house.url, api_key="bad") as client:
        with pytest.raises(Refused, match=r"refused the API key \(invalid x-api-key\)"):
            await check_key(client, "claude-opus-5-5")
    async with connect(house.emit, base_url=house.url, api_key="good") as client:
        await check_key(client, "claude-opus-5-5")


@pytest.mark.parametrize(("status", "says"), [(401, "refused the API key"), (404, "choose another with --model")])
async def test_a_refusal_ends_the_agent_and_leaves_the_ticket_to_others(house: House, status: int, says: str) -> None:
    house.model.answers = [Fail(status)]
    ticket = await house.claimed()
    async with house.agent() as agent:
        with pytest.raises(Refused, match=says):
            await agent.work(ticket)
    assert (await house.tickets.get(ticket.id)).state == "open"
    assert house.of(SessionEnded)[0].outcome == "failed"


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (429, "limits the rate"),
        (529, "is overloaded"),
        (500, "server failed"),
        (503, "server failed"),
        (408, "timed out"),
    ],
)
async def test_what_passes_is_waited_for_and_shown(house: House, status: int, says: str) -> None:
    house.model.answers = [Fail(status), Fail(status), Say("I act.", ["true"]), Say(REPAIRED)]
    assert (await house.work()).state == "verifying"
    waits = house.of(AgentWaiting)
    assert len(waits) == 2
    assert all(says in wait.why and str(status) in wait.why for wait in waits)


async def test_the_server_says_how_long_to_wait(house: House) -> None:
    house.model.answers = [Fail(429, headers={"retry-after": "0.2"}), Say("I act.", ["true"]), Say(REPAIRED)]
    await house.work()
    assert house.of(AgentWaiting)[0].retry_s == pytest.approx(0.2)


async def test_waits_grow_up_to_a_limit() -> None:
    waited: list[float] = []
    waits = Waits(1e-6)
    for _ in range(5):
        await waits.wait(lambda event: waited.append(event.retry_s), "busy")  # type: ignore[attr-defined]
    assert waited == sorted(waited)
    assert waits._next == pytest.approx(32e-6)
    assert Waits(LONGEST_WAIT_S)._next == LONGEST_WAIT_S


async def test_a_model_that_cannot_be_reached_is_waited_for_until_the_time_is_used_up(house: House) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        ticket = await house.claimed()
        async with house.agent(url=url, budget=Budget(wall_s=0.5)) as agent:
            await agent.work(ticket)
    assert len(house.of(AgentWaiting)) > 2
    assert "cannot be reached" in house.of(AgentWaiting)[0].why
    assert (await house.tickets.get(ticket.id)).state == "escalated"


async def test_a_request_that_is_refused_for_itself_fails_the_session(house: House) -> None:
    house.model.answers = [Fail(400, b'{"type":"error","error":{"type":"invalid_request_error","message":"too long"}}')]
    assert (await house.work()).state == "escalated"
    (ended,) = house.of(SessionEnded)
    assert (ended.outcome, "too long" in ended.summary) == ("failed", True)
