"""The colours. Every panel speaks in the theme's words (`$text-error`), so any theme will do; these two are ours."""

from __future__ import annotations

from textual.theme import Theme

NIGHT = Theme(
    name="operator-night",
    primary="#5aa9e6",
    secondary="#7fc8f8",
    accent="#ffd166",
    success="#2fd573",
    warning="#ffb020",
    error="#ff5a5f",
    foreground="#e8edf2",
    background="#0d1117",
    surface="#0d1117",
    panel="#1b2430",
    dark=True,
    variables={
        "text-success": "#2fd573",
        "text-warning": "#ffb020",
        "text-error": "#ff6b6f",
        "text-primary": "#7fc8f8",
        "text-accent": "#ffd166",
        "text-muted": "#8b98a8",
        "footer-key-foreground": "#ffd166",
        "footer-background": "#1b2430",
    },
)

DAY = Theme(
    name="operator-day",
    primary="#0b5cad",
    secondary="#0b5cad",
    accent="#8a4b00",
    success="#0a7a3d",
    warning="#8a5a00",
    error="#b3161c",
    foreground="#14181d",
    background="#fbfbf8",
    surface="#fbfbf8",
    panel="#e6e8e6",
    dark=False,
    variables={
        "text-success": "#0a7a3d",
        "text-warning": "#8a5a00",
        "text-error": "#b3161c",
        "text-primary": "#0b5cad",
        "text-accent": "#8a4b00",
        "text-muted": "#5b6570",
        "footer-key-foreground": "#8a4b00",
    },
)

THEMES = (NIGHT, DAY)
