"""Help, made from the keys that really are bound."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from widgets.text import ACCENT, DIM, cell, line, stack

SYMBOLS = """\
● well   ▲ degraded   ✖ broken or dead   ‖ paused   ? not seen   ◌ starting   ■ stopped
Tickets: ✖ open   ▶ claimed by the agent   ◐ verifying   ▲ escalated   ✔ resolved"""


class HelpScreen(ModalScreen[None]):
    CSS_PATH = "help.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,question_mark,q", "close", "Close", id="close-help", tooltip="Close the help", key_display="esc"
        ),
    ]

    def __init__(self, bindings: Iterable[ActiveBinding]) -> None:
        super().__init__()
        self.bindings = list(bindings)

    def compose(self) -> ComposeResult:
        with Vertical(id="help") as box:
            box.border_title = Content("Keys")
            with VerticalScroll():
                yield Static(keys(self.bindings))
                yield Static(line(("\nWhat the marks say\n", DIM), SYMBOLS))
            yield Footer(show_command_palette=False)

    def action_close(self) -> None:
        self.dismiss()


def keys(bindings: Iterable[ActiveBinding]) -> Content:
    """One line an action: its keys, what it is called, and what it does."""
    found: dict[str, tuple[list[str], ActiveBinding]] = {}
    for active in bindings:
        if not active.binding.system and active.binding.description:
            found.setdefault(active.binding.action, ([], active))[0].append(shown(active.binding.key))
    rows = []
    for names, active in found.values():
        said = active.tooltip or active.binding.tooltip or active.binding.description
        rows.append(
            line((cell(", ".join(names), 22, ACCENT)), cell(active.binding.description, 16, "bold"), (said, ""))
        )
    return stack(rows)


def shown(key: str) -> str:
    return {"question_mark": "?", "escape": "esc", "pageup": "page up", "pagedown": "page down"}.get(key, key)
