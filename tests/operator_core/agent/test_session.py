"""A session, from the claimed ticket to its conclusion: the real SDK against a local Messages API."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing

import pytest

from operator_core.agent.budgets import Budget
from operator_core.db import DatabaseError
from operator_core.events import (
    AgentWaiting,
    CommandFinished,
    CommandOutput,
    CommandStarted,
    Event,
    ModelUsed,
    SessionEnded,
    Thought,
    TicketChanged,
)
from tests.operator_core.agent.conftest import House
from tests.operator_core.agent.model import ESCALATED, REPAIRED, Fail, Say


async def test_a_repair_is_recorded_in_order_and_goes_to_verification(house: House) -> None:
    house.model.answers = [Say("I look.", ["echo out; echo err >&2; exit 3"]), Say("I act.", ["true"]), Say(REPAIRED)]
    ticket = await house.work()
    assert ticket.state == "verifying"
    assert [entry.kind for entry in await house.entries()] == [
        *("session_started", "reasoning", "usage", "tool_call", "tool_result"),
        *("reasoning", "usage", "tool_call", "tool_result", "reasoning", "usage", "conclusion", "session_ended"),
    ]
    call, result = (await house.entries("tool_call", "tool_result"))[:2]
    assert call.content == {
        "tool": "shell",
        "command": "echo out; echo err >&2; exit 3",
        "reasoning": "reason 1",
        "effect": "changes",
    }
    assert result.content | {"seconds": 0} == {
        "call": call.id,
        "exit_status": 3,
        "seconds": 0,
        "stdout": "out\n",
        "stderr": "err\n",
        "ended_by": "",
        "kept": "",
    }
    (session,) = await house.audit.sessions()
    assert (session.outcome, session.commands, session.input_tokens, session.output_tokens) == ("verifying", 2, 300, 30)
    assert session.cost_usd == pytest.approx(3 * (100 * 4 + 10 * 20) / 1e6)
    (ended,) = house.of(SessionEnded)
    assert ended.summary == "node-2 was down; it was started again."
    assert "OUTCOME" not in ended.conclusion
    assert (ended.commands, ended.evidence) == (2, True)
    assert house.of(TicketChanged)[-1].state == "verifying"


async def test_the_model_sees_the_ticket_and_both_streams(house: House) -> None:
    house.model.answers = [Say("I look.", ["echo out; echo err >&2; exit 3"]), Say(ESCALATED)]
    await house.work()
    first = str(house.model.asked[0]["messages"][0]["content"])
    assert "node-2 does not answer." in first and "Nothing to know." in first
    (reply,) = house.model.results()
    status, _, output = reply.partition("\n")
    assert status.startswith("exit status 3 after ")
    assert output == "out\n[standard error]\nerr"


async def test_thoughts_stream_while_the_model_speaks(house: House) -> None:
    house.model.answers = [Say("one two \x1b[31mthree", ["true"]), Say(ESCALATED)]
    await house.work()
    thoughts = house.of(Thought)
    assert [thought.delta for thought in thoughts[:3]] == ["one ", "two ", "three "]
    assert sum(thought.done for thought in thoughts) == 2
    assert house.of(ModelUsed)[0].input_tokens == 100


async def test_the_entry_is_on_disk_before_the_command_starts(house: House) -> None:
    """The command itself, another process, reads the database file: its own entry is there."""
    script = (
        "import sqlite3; c = sqlite3.connect('file:operator.db?mode=ro', uri=True);"
        "print(c.execute('select kind from entries order by id desc limit 1').fetchone()[0])"
    )
    house.model.answers = [Say("I look.", [f'cd {house.folder}; python3 -c "{script}"']), Say(ESCALATED)]
    await house.work()
    (result,) = await house.entries("tool_result")
    assert result.content["stdout"] == "tool_call\n", result.content


async def test_the_event_of_a_command_comes_after_its_entry(house: House) -> None:
    seen: list[str] = []

    def look(event: Event) -> None:
        if isinstance(event, CommandStarted):
            with closing(sqlite3.connect(house.db.path)) as connection:
                (kind,) = connection.execute("SELECT kind FROM entries WHERE id = ?", (event.entry,)).fetchone()
            seen.append(kind)

    house.on_event = look
    house.model.answers = [Say("I look.", ["true"]), Say(ESCALATED)]
    await house.work()
    assert seen == ["tool_call"]


async def test_nothing_runs_that_cannot_be_recorded(house: House) -> None:
    ticket = await house.claimed()
    house.model.answers = [Say("I act.", [f"touch {house.folder}/ran"])]

    def lose_the_database(event: Event) -> None:
        if isinstance(event, ModelUsed):
            house.db.path.rename(house.folder / "elsewhere.db")

    house.on_event = lose_the_database
    async with house.agent() as agent:
        with pytest.raises(DatabaseError):
            await agent.work(ticket)
    assert not (house.folder / "ran").exists()
    assert house.of(SessionEnded)[-1].outcome == "failed"


async def test_several_commands_of_one_answer_run_one_after_another(house: House) -> None:
    file = house.folder / "file"
    house.model.answers = [Say("Both.", [f"sleep 0.1; echo a >> {file}", f"echo b >> {file}"]), Say(ESCALATED)]
    await house.work()
    assert file.read_text() == "a\nb\n"
    assert [entry.kind for entry in await house.entries("tool_call", "tool_result")] == ["tool_call", "tool_result"] * 2


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (REPAIRED, "verifying"),
        (ESCALATED, "escalated"),
        ("All is well now.", "escalated"),
        ("OUTCOME: repaired\nor so I think", "escalated"),
        ("**OUTCOME: repaired**", "escalated"),
        ("It is done. OUTCOME: repaired", "escalated"),
        ("", "escalated"),
    ],
)
async def test_only_a_clear_word_counts_as_repaired(house: House, said: str, state: str) -> None:
    house.model.answers = [Say("I act.", ["true"]), Say(said)]
    assert (await house.work()).state == state


async def test_repaired_without_a_command_is_not_believed(house: House) -> None:
    house.model.answers = [Say(REPAIRED)]
    assert (await house.work()).state == "escalated"
    (ended,) = house.of(SessionEnded)
    assert not ended.evidence
    assert "no command was run" in ended.conclusion


@pytest.mark.parametrize("reason", ["max_tokens", "refusal"])
async def test_an_answer_that_was_cut_off_escalates_and_runs_nothing(house: House, reason: str) -> None:
    house.model.answers = [Say(REPAIRED, [f"touch {house.folder}/ran"], stop_reason=reason)]
    assert (await house.work()).state == "escalated"
    assert not (house.folder / "ran").exists()
    assert reason in house.of(SessionEnded)[0].conclusion


async def test_observe_mode_records_and_never_runs(house: House) -> None:
    house.model.answers = [Say("I would.", [f"touch {house.folder}/ran"]), Say(REPAIRED)]
    ticket = await house.work(mode="observe")
    assert not (house.folder / "ran").exists()
    assert ticket.state == "escalated"
    (finished,) = house.of(CommandFinished)
    assert (finished.exit_status, finished.ended_by) == (None, "observe mode")
    call, result = await house.entries("tool_call", "tool_result")
    assert call.content["command"].startswith("touch")
    assert result.content["ended_by"] == "observe mode"
    assert house.model.results()[0].startswith("not run: observe mode")


async def test_long_output_is_cut_for_the_model_and_kept_in_full(house: House) -> None:
    house.model.answers = [Say("Much.", ["seq 1 100000"]), Say(ESCALATED)]
    await house.work()
    (reply,) = house.model.results()
    assert len(reply) < 17 * 1024
    assert "\n1\n2\n" in reply and "characters left out" in reply and reply.endswith("99999\n100000")
    (finished,) = house.of(CommandFinished)
    assert (house.folder / finished.kept).read_text() == "".join(f"{n}\n" for n in range(1, 100_001))
    assert finished.kept in reply
    shown = sum(len(event.chunk) for event in house.of(CommandOutput))
    assert 60_000 < shown < 100_000


async def test_terminal_sequences_reach_neither_screen_nor_model_nor_file(house: House) -> None:
    nasty = r"printf '\033[31mred\033[0m \033]0;title\007\033]52;c;ZXZpbA==\033\\ plain\r\n'"
    nasty += r"; printf '\033['; printf '2Jend\n'"
    house.model.answers = [Say("Nasty.", [nasty]), Say(ESCALATED)]
    await house.work()
    assert "".join(event.chunk for event in house.of(CommandOutput)) == "red  plain\nend\n"
    assert "\x1b" not in house.model.results()[0]
    (result,) = await house.entries("tool_result")
    assert result.content["stdout"] == "red  plain\nend\n"


async def test_a_command_of_which_the_lab_knows_nothing_is_an_answer_too(house: House) -> None:
    (house.folder / "lab.json").unlink()
    house.model.answers = [Say("I look.", ["true"]), Say(ESCALATED)]
    assert (await house.work()).state == "escalated"
    assert "no lab is running" in house.model.results()[0]


@pytest.mark.parametrize(
    ("budget", "answers", "why"),
    [
        (Budget(turns=2), [Say("a", ["true"]), Say("b", ["false"]), Say("c", ["true"])], "2 turns"),
        (Budget(same_command=2), [Say("a", ["true"]), Say("b", ["true"]), Say("c", ["true"])], "3 times in a row"),
        (Budget(cost_usd=0.001), [Say("a", ["true"]), Say("b", ["true"], usage=(1000, 0))], "has cost about"),
        (Budget(wall_s=0.5), [Say("a", ["sleep 60"])], "0 s"),
    ],
)
async def test_a_budget_that_is_used_up_escalates_with_what_is_known(
    house: House, budget: Budget, answers: list[Say | Fail], why: str
) -> None:
    house.model.answers = answers
    ticket = await house.work(budget=budget)
    assert ticket.state == "escalated"
    (ended,) = house.of(SessionEnded)
    assert why in ended.conclusion
    assert "`true`" in ended.conclusion or "`sleep 60`" in ended.conclusion
    (session,) = await house.audit.sessions()
    assert session.outcome == "escalated"


@pytest.mark.parametrize("then", ["break", "error", "nonsense"])
async def test_an_answer_that_breaks_off_is_asked_for_again_and_nothing_runs_twice(house: House, then: str) -> None:
    file = house.folder / "file"
    house.model.answers = [
        Say("Once.", [f"echo once >> {file}"]),
        Say("This breaks", then=then),
        Say(REPAIRED),
    ]
    assert (await house.work()).state == "verifying"
    assert file.read_text() == "once\n"
    assert len(house.of(AgentWaiting)) == 1
    assert len(await house.entries("usage")) == 2


async def test_nothing_but_garbage_fails_the_session(house: House) -> None:
    house.model.answers = [Fail(200, b"<html>hello</html>", content_type="text/html")] * 3
    assert (await house.work()).state == "escalated"
    (ended,) = house.of(SessionEnded)
    assert ended.outcome == "failed"
    assert "no usable answer" in ended.summary


async def test_a_long_conclusion_is_summed_up_by_the_small_model_for_claude(house: House) -> None:
    long = "It was long. " * 100
    house.model.answers = [Say("I act.", ["true"]), Say(f"{long}\n\nOUTCOME: repaired")]
    await house.work(name="claude")
    assert house.of(SessionEnded)[0].summary == "In one line."
    assert (await house.entries("usage"))[-1].content["model"] == "claude-haiku-5-5"


async def test_without_the_small_model_the_first_sentence_stands_and_the_audit_says_why(house: House) -> None:
    long = "It was long. " * 100
    house.model.answers = [Say("I act.", ["true"]), Say(f"{long}\n\nOUTCOME: repaired")]
    house.model.summaries = [Fail(404)]
    await house.work(name="claude")
    assert house.of(SessionEnded)[0].summary == "It was long."
    assert len(await house.entries("error")) == 1


async def test_a_ticket_that_was_handed_back_says_what_is_still_broken(house: House) -> None:
    house.model.answers = [Say("I act.", ["true"]), Say(REPAIRED), Say(ESCALATED)]
    ticket = await house.work()
    await house.tickets.hand_back(ticket.id, "node-2 is still mute.")
    await house.tickets.open_or_touch("fast", "load", "The p99 is 900 ms.")
    again = await house.tickets.claim("agent-under-test", 60)
    assert again is not None and again.id == ticket.id
    async with house.agent() as agent:
        await agent.work(again)
    first = str(house.model.asked[-1]["messages"][0]["content"])
    assert "attempt 2" in first and "node-2 is still mute." in first and "The p99 is 900 ms." in first


async def test_the_time_limit_of_a_command_is_told(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("operator_core.agent.shell.LIMIT_S", 0.3)
    house.model.answers = [Say("I wait.", ["echo begun; sleep 60 & sleep 60"]), Say(ESCALATED)]
    began = time.monotonic()
    await house.work()
    assert time.monotonic() - began < 30
    (finished,) = house.of(CommandFinished)
    assert (finished.exit_status, finished.ended_by) == (None, "time limit")
    assert house.model.results()[0].startswith("ended by time limit after ")
    assert "begun" in house.model.results()[0]
