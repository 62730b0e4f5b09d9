"""The models, and what their tokens cost by list price."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_MODEL = "claude-opus-5-5"
SUMMARY_MODEL = "claude-haiku-5-5"
SCRIPTED_MODEL = "scripted"


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens; a cache write is one that lives for five minutes."""

    input: float
    output: float
    cache_write: float
    cache_read: float


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one response; `input` without those that were written to the cache or read from it."""

    input: int
    output: int
    cache_write: int = 0
    cache_read: int = 0

    @property
    def prompt(self) -> int:
        return self.input + self.cache_write + self.cache_read


# From the model pages of platform.claude.com, October 2026. A model that is not here has no known price.
_PRICES: dict[str, Price] = {
    "claude-fable-5-1": Price(10, 50, 12.5, 0.25),
    "claude-opus-5-5": Price(4, 20, 5, 0.2),
    "claude-opus-5": Price(5, 25, 6.25, 0.5),
    "claude-opus-4-8": Price(5, 25, 6.25, 0.5),
    "claude-opus-4-7": Price(5, 25, 6.25, 0.5),
    "claude-opus-4-6": Price(5, 25, 6.25, 0.5),
    "claude-opus-4-5": Price(5, 25, 6.25, 0.5),
    "claude-sonnet-5-5": Price(2, 10, 2.5, 0.1),
    "claude-haiku-5-5": Price(0.1, 0.5, 0.125, 0.01),
    SCRIPTED_MODEL: Price(0, 0, 0, 0),
}
_LONG_PROMPT = 100_000
_PRICES_OF_LONG_PROMPTS = {"claude-haiku-5-5": Price(0.5, 2.5, 0.625, 0.05)}

# These think by themselves; asked for it, they also show a summary of their thoughts.
_SHOWS_THOUGHTS = ("claude-fable-5", "claude-opus-5", "claude-sonnet-5", "claude-haiku-5", "claude-opus-4-8")


def cost_usd(model: str, usage: Usage) -> float | None:
    """An estimate by list price; None where the price is not known."""
    price = _PRICES.get(model)
    if usage.prompt > _LONG_PROMPT:
        price = _PRICES_OF_LONG_PROMPTS.get(model, price)
    if price is None:
        return None
    return (
        usage.input * price.input
        + usage.output * price.output
        + usage.cache_write * price.cache_write
        + usage.cache_read * price.cache_read
    ) / 1_000_000


def shows_thoughts(model: str) -> bool:
    return model.startswith(_SHOWS_THOUGHTS)
