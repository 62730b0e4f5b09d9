"""Makes text from elsewhere harmless for a screen: no control sequences, no characters that reorder a line."""

from __future__ import annotations

import re

_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|\x9c)"  # OSC, DCS, SOS, PM, APC: strings with an end
    r"|\x1b[ -/]*[0-~]"  # the short ones
    r"|\x9b[0-?]*[ -/]*[@-~]"
    r"|[\x90\x98\x9d\x9e\x9f].*?(?:\x07|\x1b\\|\x9c)",
    re.DOTALL,
)
_OPEN = re.compile(
    r"(?:\x1b(?:\[[0-?]*[ -/]*|[\]PX^_].*|[ -/]*)|\x9b[0-?]*[ -/]*|[\x90\x98\x9d\x9e\x9f].*)\Z", re.DOTALL
)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")

_LONGEST = 4096
"""A sequence that is still open after so many characters is none: its introducer goes, its text stays."""


class Cleaner:
    """Cleans a stream that comes in pieces: a sequence may begin in one and end in the next."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> str:
        text = _SEQUENCE.sub("", self._held + text)
        self._held = ""
        open_end = _OPEN.search(text)
        if open_end and len(text) - open_end.start() <= _LONGEST:
            self._held = text[open_end.start() :]
            text = text[: open_end.start()]
        elif text.endswith("\r"):  # perhaps the first half of a line's end
            self._held, text = "\r", text[:-1]
        return _plain(text)

    def flush(self) -> str:
        """What was held back; the stream has ended."""
        held, self._held = self._held, ""
        return _plain(_SEQUENCE.sub("", held))


def clean(text: str) -> str:
    cleaner = Cleaner()
    return cleaner.feed(text) + cleaner.flush()


def _plain(text: str) -> str:
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
