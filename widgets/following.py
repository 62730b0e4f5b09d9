"""A scroll that follows its end, until somebody reads."""

from __future__ import annotations

from dataclasses import dataclass

from textual.containers import VerticalScroll
from textual.message import Message
from textual.reactive import reactive


class Following(VerticalScroll):
    """Stays at its end while `following`. Scrolling up or `hold` stops that; going back to the end, or the end of
    the hold, resumes it. Its owner changes nothing in it meanwhile, so a reader's text never moves."""

    @dataclass
    class Changed(Message):
        """`following` changed."""

        following: bool

    following: reactive[bool] = reactive(True, init=False, repaint=False)

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._held = False

    def on_mount(self) -> None:
        self.anchor()

    def hold(self, held: bool) -> None:
        self._held = held
        if held:
            self.release_anchor()
        self.following = not held

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self._held:
            self.release_anchor()
        elif new_value >= self.max_scroll_y:
            self.following = True
        elif new_value < old_value:
            self.release_anchor()
            self.following = False

    def watch_following(self, following: bool) -> None:
        self.post_message(self.Changed(following))
        if following:
            self.anchor()
