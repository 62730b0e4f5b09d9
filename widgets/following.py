"""A scroll that follows its end, until somebody reads."""

from __future__ import annotations

from dataclasses import dataclass

from textual.containers import VerticalScroll
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget


class Following(VerticalScroll):
    """Stays at its end while `following`. Scrolling away from there ends that, coming back to the end resumes it.
    Its owner changes nothing in it meanwhile, so a reader's text never moves."""

    @dataclass
    class Changed(Message):
        """`following` changed."""

        following: bool

    following: reactive[bool] = reactive(True, init=False, repaint=False)

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._pin: Widget | None = None
        self._placing = False

    def pin(self, widget: Widget | None) -> None:
        """Follow the top of this widget instead of the end; None for the end again."""
        self._pin = widget
        self.call_after_refresh(self._place)

    def on_resize(self) -> None:
        self._place()

    def watch_virtual_size(self) -> None:
        self.call_next(self._place)  # not in the middle of the layout

    def watch_following(self, following: bool) -> None:
        self.post_message(self.Changed(following))
        self._place()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if not self._placing and new_value != old_value:
            self.following = new_value >= self.max_scroll_y

    def action_scroll_end(self) -> None:
        self.following = True

    def _place(self) -> None:
        if not self.following:
            return
        if self._pin is not None and not self._pin.is_attached:
            self._pin = None
        pin = self._pin if self._pin is not None and self._pin.size else None  # without a size it is not laid out yet
        self._placing = True
        try:
            y = self.max_scroll_y if pin is None else pin.virtual_region.y
            self.scroll_to(y=y, animate=False, immediate=True)
        finally:
            self._placing = False
