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

from widgets.text import ACCENT, DIM, Fitted, cell, indent, line, stack

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
                yield Static(Fitted(lambda width: keys(self.bindings, width)))
                yield Static(line(("\nWhat the marks say\n", DIM), SYMBOLS))
            yield Footer(show_command_palette=False)

    def action_close(self) -> None:
        self.dismiss()


def keys(bindings: Iterable[ActiveBinding], width: int) -> Content:
    """One entry an action: its keys, what it is called, and what it does."""
    found: dict[str, tuple[list[str], ActiveBinding]] = {}
    for active in sorted(bindings, key=lambda active: not active.binding.id):  # ours first
        binding = active.binding
        if binding.description and not binding.system and not binding.key.startswith("super+"):
            found.setdefault(binding.action, ([], active))[0].append(shown(binding.key))
    rows: list[Content] = []
    for names, active in found.values():
        first = line(cell(", ".join(names), 20, ACCENT), cell(active.binding.description, 15, "bold"))
        said = active.tooltip or active.binding.tooltip or ""
        rows += indent(line(said), width, first, line(" " * first.cell_length))
    return stack(rows)


def shown(key: str) -> str:
    return {"question_mark": "?", "escape": "esc", "pageup": "page up", "pagedown": "page down"}.get(key, key)
