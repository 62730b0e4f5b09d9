"""What is drawn of texts that nobody has checked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from operator_core.state import Command
from operator_protocols import Level
from widgets.blocks import lightly, output
from widgets.graph import Curve, Point, ceiling, sparkline
from widgets.text import age, cell, elapsed, figure, flat, line, milliseconds, plain, right, spread

AT = datetime(2026, 3, 5, 14, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bP1$r0m\x1b\\after", "after"),
        ("\x1b(Bset\x1b7", "set"),
        ("\x9b2Jgone", "gone"),
        ("a\x00b\x07c\x08d\x7fe\x85f", "abcdef"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("a\tb", "a   b"),
        ("\u202eright\u200b to left", "right to left"),
        ("half a \ud800 pair", "half a  pair"),
        ("\x1b]never closed, " + "x" * 5, ""),
    ],
)
def test_plain(raw: str, shown: str) -> None:
    assert plain(raw) == shown


def test_a_long_line_is_cut_and_says_so() -> None:
    cut = plain("short\n" + "x" * 90_000)
    assert cut.startswith("short\nx") and "89,000 more characters" in cut and len(cut) < 1_100


def test_markup_is_text() -> None:
    assert line("[red]x[/red]", ("[/]", "bold")).plain == "[red]x[/red][/]"


@pytest.mark.parametrize("text", ["", "short", "exactly ten", "much longer than ten", "日本語の名前です", "a\nb\tc"])
def test_a_cell_is_as_wide_as_it_is_told(text: str) -> None:
    for width in (1, 2, 10, 30):
        assert cell(text, width).cell_length == width
        assert right(text, width).cell_length == width


def test_both_ends_of_a_line() -> None:
    assert spread(line("left"), line("right"), 12).plain == "left   right"
    assert spread(line("a long left end"), line("right"), 12).plain == "a lon… right"


def test_figures_and_times() -> None:
    assert [figure(value) for value in (0, 0.34, 4, 4.25, 37.4, 1204.2)] == ["0", "0.3", "4", "4.2", "37", "1,204"]
    assert [milliseconds(value) for value in (None, 0.42, 9.96, 251.7)] == ["-", "0.4", "10.0", "252"]
    assert [elapsed(AT, AT + timedelta(seconds=s)) for s in (-3, 5, 65, 3725)] == ["0:00", "0:05", "1:05", "1:02:05"]
    assert [age(AT, AT + timedelta(seconds=s)) for s in (0, 59, 61, 7300)] == ["0 s", "59 s", "1 min", "2 h"]


def test_flat_is_one_line() -> None:
    assert flat("  two\n\tlines ") == "two lines"


def test_thoughts_are_set_lightly() -> None:
    content = lightly("# Head\n**bold** and `code` and [link](x) *as it is*")
    assert content.plain == "Head\nbold and code and [link](x) *as it is*"
    assert {content.plain[span.start : span.end] for span in content.spans} == {"Head", "bold", "code"}


def test_output_is_folded_to_its_end() -> None:
    lines = [row.plain for row in output(Command(1, "x", "", "reads", "".join(f"{n}\n" for n in range(20))), 3, 40)]
    assert lines == ["  ┊ … 17 lines before", "  │ 17", "  │ 18", "  │ 19"]
    assert output(Command(1, "x", "", "reads", ""), 3, 40) == []
    cut = output(Command(1, "x", "", "reads", "end", cut=90_000), 3, 40)
    assert [row.plain for row in cut] == ["  ┊ … more before", "  │ end"]
    wrapped = output(Command(1, "x", "", "reads", "word " * 100), 3, 24)
    assert len(wrapped) == 4 and all(row.cell_length <= 24 for row in wrapped)


def test_a_sparkline_has_its_newest_point_at_the_right_and_bad_ones_stand_out() -> None:
    points = tuple(
        Point(AT + timedelta(seconds=n), 100 if n < 9 else 50, Level.OK if n < 9 else Level.BAD) for n in range(10)
    )
    content = sparkline(Curve("", points), 20)
    assert content.plain == " " * 10 + "█" * 9 + "▅"
    assert "error" in str(content.spans[-1].style) and "success" in str(content.spans[-2].style)
    assert sparkline(Curve("", ()), 5).plain == "     "


@pytest.mark.parametrize(
    ("value", "top"), [(0, 1), (0.03, 0.03), (1, 1), (1.2, 1.5), (7, 8), (419, 500), (1204, 1500), (9999, 10000)]
)
def test_an_axis_ends_at_a_round_number_above(value: float, top: float) -> None:
    assert ceiling(value) == pytest.approx(top)
