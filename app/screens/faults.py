"""The menu of faults, for the chapter's own and for questions from the audience."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, OptionList, Static
from textual.widgets.option_list import Option

from operator_protocols import Fault
from widgets.text import ACCENT, DIM, STRONG, WARN, flat, line, stack

HEAL = "\0heal"
"""What the menu gives for healing everything; no fault has this name."""


class FaultList(OptionList):
    """Takes enter itself, so that it comes after the arrows that were pressed before it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Start its countdown", id="choose", tooltip="Start the countdown of this fault"),
    ]


class FaultMenu(ModalScreen[str]):
    """Gives the name of a fault, `HEAL`, or None."""

    CSS_PATH = "faults.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("h", "heal", "Heal all", id="heal", tooltip="Take every injected fault back"),
        Binding("escape,f,q", "close", "Close", id="close", tooltip="Close the menu", key_display="esc"),
    ]

    def __init__(self, faults: Sequence[Fault], active: frozenset[tuple[str, str]]) -> None:
        super().__init__()
        self.faults = {fault.name: fault for fault in faults}
        self.active = active

    def compose(self) -> ComposeResult:
        with Vertical(id="menu") as menu:
            menu.border_title = Content("Faults")
            with Horizontal():
                yield FaultList(*(Option(self._entry(name), id=name) for name in self.faults), markup=False)
                with VerticalScroll(id="about", can_focus=False):
                    yield Static(id="fault-about")
            yield Static(self._injected(), id="injected")
            yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one(OptionList).focus()
        if not self.faults:
            self.query_one("#fault-about", Static).update(line(("This lab has no faults.", DIM)))

    def _entry(self, name: str) -> Content:
        return line(
            (f" {flat(name)}", STRONG), (" injected", WARN) if any(name == fault for fault, _ in self.active) else ""
        )

    def _injected(self) -> Content:
        if not self.active:
            return line(("Nothing is injected. A countdown gives time to stop it: escape.", DIM))
        said = ", ".join(f"{fault} on {target}" for fault, target in sorted(self.active))
        return line(("Injected: ", WARN), (flat(said), "bold"), ("   h takes all of it back", DIM))

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        self.query_one("#fault-about", Static).update(about(self.faults[event.option.id or ""]))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)

    def action_heal(self) -> None:
        self.dismiss(HEAL)

    def action_close(self) -> None:
        self.dismiss(None)


def about(fault: Fault) -> Content:
    return stack(
        [
            line((flat(fault.name), ACCENT)),
            line((flat(fault.says), STRONG)),
            line(),
            line(("What you will see", DIM)),
            line(flat(fault.looks_like)),
            line(),
            line(("What it breaks", DIM)),
            line(flat(", ".join(fault.breaks)) or "nothing that is watched"),
            line(),
            line(("How it is taken back", DIM)),
            line(flat(fault.undone_by), (f"  (by itself after {fault.limit_s:.0f} s)", DIM)),
        ]
    )
