"""The blocks of a transcript: a thought, a command with its output, a notice, a verdict."""

from __future__ import annotations

import re

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Markdown, Static

from operator_core.events import Outcome
from operator_core.state import Block, Command, Notice, Thoughts, Verdict
from widgets.style import beside
from widgets.text import ACCENT, BAD, DIM, GOOD, LINE_STYLES, STRONG, WARN, Fitted, flat, indent, line, plain, stack

THOUGHT_KEPT = 8_000
"""Characters of a streaming thought that are drawn: its end."""

_INLINE = re.compile(r"\*\*(?P<bold>[^*\n]+)\*\*|`(?P<code>[^`\n]+)`|^#+ +(?P<head>.+)$", re.M)

OUTCOMES: dict[Outcome, tuple[str, str, str]] = {
    "verifying": ("◐", "repaired as the agent sees it; the monitor checks", "$text-primary"),
    "escalated": ("▲", "escalated: a person is needed", BAD),
    "interrupted": ("■", "interrupted", WARN),
    "failed": ("✖", "failed", BAD),
}


def lightly(text: str) -> Content:
    """Text with bold, code and headings set as such, and everything else of Markdown left as it is."""
    text = plain(text)
    parts: list[tuple[str, str]] = []
    end = 0
    for found in _INLINE.finditer(text):
        parts.append((text[end : found.start()], ""))
        style = ACCENT if found["code"] else "bold"
        parts.append((found["bold"] or found["code"] or found["head"], style))
        end = found.end()
    return line(*parts, (text[end:], ""))


def thought(block: Thoughts) -> Content:
    text = block.text.strip("\n")
    kept = text if len(text) <= THOUGHT_KEPT else "… " + text[-THOUGHT_KEPT:]
    return lightly(kept if block.done else kept + "▍")


def command(block: Command, fold: int, width: int) -> Content:
    """The command, why, its effect, the last `fold` lines of what it gave, and how it ended."""
    effect = ("changes", WARN) if block.effect == "changes" else ("reads", DIM)
    drawn = indent(line((block.command.strip(), STRONG)), width, line(("$ ", ACCENT)), line(("  ", "")))
    drawn += indent(
        line((flat(block.reasoning), f"{DIM} italic"), ("  ", ""), (f"[{effect[0]}]", effect[1])),
        width,
        line("  "),
        line("  "),
    )
    return stack([*drawn, *output(block, fold, width), ending(block)])


def output(block: Command, fold: int, width: int) -> list[Content]:
    text = plain(block.output).rstrip("\n")
    if not text:
        return []
    gutter = line(("  │ ", DIM))
    rows = [row for part in text.split("\n")[-fold:] for row in indent(line(part), width, gutter, gutter)]
    before = text.count("\n") + 1 - fold
    hidden = len(rows) - fold
    if before <= 0 and hidden <= 0 and not block.cut:
        return rows
    more = f"{before:,} lines before" if before > 0 and not block.cut else "more before"
    return [line(("  ┊ ", DIM), (f"… {more}", f"{DIM} italic")), *rows[-fold:]]


def ending(block: Command) -> Content:
    if block.seconds is None:
        return line(("  ▶ running …", WARN))
    took = (f"  {block.seconds:.1f} s", DIM)
    if block.ended_by:
        return line((f"  ■ {flat(block.ended_by)}", BAD), took)
    if block.exit_status == 0:
        return line(("  ✔ exit 0", GOOD), took)
    return line((f"  ✖ exit {block.exit_status}", BAD), took)


class BlockView(Vertical):
    """One block. `fold`: how many lines of a command's output are shown."""

    DEFAULT_CSS = beside(__file__)

    def __init__(self, block: Block, fold: int) -> None:
        super().__init__(classes=type(block).__name__.lower())
        self.block = block
        self.fold = fold

    def compose(self) -> ComposeResult:
        yield Static(self._drawn())
        if isinstance(self.block, Verdict):
            yield Markdown(plain(self.block.conclusion), open_links=False)

    def show(self, block: Block, fold: int) -> None:
        """The same kind of block, with more in it."""
        if block is self.block and fold == self.fold:
            return
        self.block, self.fold = block, fold
        if self.children:
            self.query_one(Static).update(self._drawn())

    def _drawn(self) -> Content | Fitted:
        match self.block:
            case Thoughts() as block:
                return thought(block)
            case Command() as ran:
                fold = self.fold
                return Fitted(lambda width: command(ran, fold, width))
            case Notice(text, level):
                mark = "▲ " if level in ("warning", "bad") else "── "
                return line((f"{mark}{flat(text)}", LINE_STYLES[level] or DIM))
            case Verdict() as block:
                symbol, word, style = OUTCOMES[block.outcome]
                guess = "" if block.evidence else "  (concluded without running a command)"
                return line((f"{symbol} {word}", f"{style} bold"), (guess, WARN))
