"""The budget that several processes draw on, in a process of its own."""

from enum import StrEnum

from data.errors import LMError
from engine.lm.base import Generate, Generated
from training.budget import Budget, Ledger, OverBudgetError, Spent


class Room(StrEnum):
    """What the purse says of the next request."""

    NOW = "now"
    LATER = "later"
    """What is under way may leave some."""
    NONE = "none"
    """Nothing more is to be asked: the budget is used up, or the job is to stop."""


class Purse:
    """The budget of them all."""

    def __init__(self, budget: Budget, spent: Spent) -> None:
        self._ledger = Ledger(budget=budget, spent=spent)
        self._refusal: str | None = None
        self._stopped = False

    def begin(self, ask: Generate) -> Room:
        """A request is about to be made, where there is room for it."""
        refusal = None if self.ended() else self._ledger.refusal(ask)
        if refusal is not None and self._ledger.idle:
            self._refusal = refusal
        if self.ended():
            return Room.NONE
        if refusal is not None:
            return Room.LATER
        self._ledger.begin(ask)
        return Room.NOW

    def attempt(self) -> str | None:
        """One attempt at a request; else why there may be none."""
        try:
            self._ledger.attempt()
        except OverBudgetError as error:
            return error.what
        return None

    def heard(self, ask: Generate, answer: Generated | LMError) -> None:
        """A request ended."""
        self._ledger.heard(ask, answer)

    def stop(self) -> None:
        """The job is to stop."""
        self._stopped = True

    def ended(self) -> bool:
        """Is nothing more to be asked?"""
        return self._stopped or self._refusal is not None

    def counted(self) -> tuple[Spent, str | None]:
        """What was spent, and which budget had no room any more."""
        return self._ledger.spent, self._refusal
