from __future__ import annotations

from operator_core.events import LabReady, Thought
from operator_core.output import Readable


def said(pieces: bytes) -> list[str]:
    """The lines without their time."""
    return [line[9:] for line in pieces.decode().splitlines()]


def test_text_that_streams_in_pieces_is_one_line_a_paragraph() -> None:
    readable = Readable()
    pieces = [readable(Thought(session=1, delta=delta)) for delta in ("I ", "lo", "ok")]
    assert pieces == [b"", b"", b""]
    assert said(readable(Thought(session=1, delta=".\n", done=True))) == ["agent: I look."]
    assert readable(Thought(session=1, delta="", done=True)) == b""


def test_a_paragraph_that_is_cut_off_is_not_lost() -> None:
    readable = Readable()
    readable(Thought(session=1, delta="I would"))
    assert said(readable(LabReady(seconds=1))) == ["agent: I would", "lab: ready after 1.0 s"]
    assert said(readable(LabReady(seconds=1))) == ["lab: ready after 1.0 s"]
