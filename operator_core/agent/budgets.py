"""How much a session may use before a person has to look."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of one session. `wall_s` also bounds how long a session waits for a model that cannot be reached."""

    turns: int = 40
    wall_s: float = 900.0
    cost_usd: float = 5.0
    same_command: int = 3


class BudgetReached(Exception):
    """The text says which budget it was, in a sentence."""


class Spent:
    """What a session has used. Each method raises `BudgetReached` when there is no more."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.turns = 0
        self.cost_usd = 0.0
        self._last_command = ""
        self._repeats = 0

    def turn(self) -> None:
        if self.turns >= self.budget.turns:
            raise BudgetReached(f"The session has used its {self.budget.turns} turns.")
        self.turns += 1

    def cost(self, usd: float | None) -> None:
        """A price that is not known counts nothing; the other budgets still hold."""
        self.cost_usd += usd or 0.0
        if self.cost_usd > self.budget.cost_usd:
            raise BudgetReached(
                f"The session has cost about ${self.cost_usd:.2f}, more than its ${self.budget.cost_usd:.2f}."
            )

    def command(self, command: str) -> None:
        self._repeats = self._repeats + 1 if command == self._last_command else 1
        self._last_command = command
        if self._repeats > self.budget.same_command:
            raise BudgetReached(f"The model asked for the same command {self._repeats} times in a row: {command}")
