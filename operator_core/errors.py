"""The one exception that a person is meant to read."""

from __future__ import annotations


class UserError(Exception):
    """Bad input or a state that only a person can mend: one sentence that says what to do. Ends with exit status 2."""
