"""What asking a teacher may cost, and what it has cost: pure bookkeeping, no request is made here.

A request is begun only if the most it could cost still fits beside what is under way, so that tokens and money never
go over. Tokens are the server's own count. An attempt that broke counts as a request; what the server charges for it,
it does not say.
"""

from dataclasses import dataclass, field

from pydantic import Field, model_validator

from data.errors import LMError
from engine.lm.base import Generate, Generated
from training.options import Options

MILLION = 1_000_000
TURN_TOKENS = 16
"""What a chat template adds to a turn, at most."""
CHARACTERS_PER_TOKEN = 4
"""For servers that count none, and for estimates."""


class Budget(Options):
    """How far a job may go; what is not given is not limited. Money is in the currency of the prices."""

    requests: int | None = Field(default=1000, ge=1, description="Most requests, attempts that failed included.")
    tokens: int | None = Field(default=None, ge=1, description="Most tokens, of prompts and answers together.")
    money: float | None = Field(default=None, gt=0, description="Most money, in the currency of the prices.")
    prompt_price: float = Field(default=0.0, ge=0, description="Price of a million tokens of prompts.")
    completion_price: float = Field(default=0.0, ge=0, description="Price of a million tokens of answers.")

    @model_validator(mode="after")
    def _priced(self) -> "Budget":
        if self.money is not None and not (self.prompt_price or self.completion_price):
            raise ValueError("Money is counted by prices: give those of a million prompt and answer tokens.")
        return self

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """What so many tokens cost."""
        return (prompt_tokens * self.prompt_price + completion_tokens * self.completion_price) / MILLION


@dataclass(slots=True, kw_only=True)
class Spent:
    """What was asked for so far."""

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated: int = 0
    """Answers whose tokens the server did not count: taken as four characters each."""

    @property
    def tokens(self) -> int:
        """Of prompts and answers."""
        return self.prompt_tokens + self.completion_tokens


class OverBudgetError(LMError):
    """A request was not made: the budget is used up."""

    def __init__(self, words: str) -> None:
        super().__init__(words, mend="Give a larger budget and start again: what was answered is not asked twice.")


@dataclass(slots=True, kw_only=True)
class Ledger:
    """A budget and what became of it."""

    budget: Budget
    spent: Spent = field(default_factory=Spent)
    _under_way: dict[str, tuple[int, int]] = field(default_factory=dict, init=False)

    @property
    def cost(self) -> float:
        """Money spent so far."""
        return self.budget.cost(self.spent.prompt_tokens, self.spent.completion_tokens)

    @property
    def idle(self) -> bool:
        """Is nothing under way?"""
        return not self._under_way

    def refusal(self, ask: Generate) -> str | None:
        """Which budget has no room for this request beside what is under way; None: it may be begun."""
        budget, spent = self.budget, self.spent
        prompt, completion = (sum(part) for part in zip(most(ask), *self._under_way.values(), strict=True))
        if budget.requests is not None and spent.requests >= budget.requests:
            return f"The budget of {budget.requests:,} requests is used up."
        if budget.tokens is not None and spent.tokens + prompt + completion > budget.tokens:
            return f"The next request could go over the budget of {budget.tokens:,} tokens ({spent.tokens:,} used)."
        total = budget.cost(spent.prompt_tokens + prompt, spent.completion_tokens + completion)
        if budget.money is not None and total > budget.money:
            return f"The next request could go over the budget of {budget.money:g} ({self.cost:.4f} spent)."
        return None

    def begin(self, ask: Generate) -> None:
        """A request is about to be made."""
        self._under_way[ask.tag] = most(ask)

    def attempt(self) -> None:
        """One attempt at a request; raises OverBudgetError where that would be one too many."""
        if self.budget.requests is not None and self.spent.requests >= self.budget.requests:
            raise OverBudgetError(f"The budget of {self.budget.requests:,} requests is used up.")
        self.spent.requests += 1

    def heard(self, ask: Generate, answer: Generated | LMError) -> None:
        """The request ended: by an answer, or without one."""
        if isinstance(answer, LMError):
            self.end(ask)
        else:
            self.end(
                ask,
                prompt_tokens=answer.prompt_tokens,
                completion_tokens=answer.completion_tokens,
                text=answer.text,
            )

    def end(self, ask: Generate, *, prompt_tokens: int = 0, completion_tokens: int = 0, text: str = "") -> None:
        """The request ended, with the server's count of tokens (0: it counts none) and the answer, where there is
        one."""
        self._under_way.pop(ask.tag, None)
        if text and not prompt_tokens and not completion_tokens:
            prompt_tokens, completion_tokens = _estimate(prompt_text(ask)), _estimate(text)
            self.spent.estimated += 1
        self.spent.prompt_tokens += prompt_tokens
        self.spent.completion_tokens += completion_tokens


def most(ask: Generate) -> tuple[int, int]:
    """The most tokens of prompt and answer: a token is a byte at least."""
    template = TURN_TOKENS * (len(ask.messages) + 1)
    return len(prompt_text(ask).encode("utf-8", errors="replace")) + template, ask.max_tokens


def prompt_text(ask: Generate) -> str:
    """Every turn of a request."""
    return "".join(message.content for message in ask.messages)


def _estimate(text: str) -> int:
    return -(-len(text) // CHARACTERS_PER_TOKEN)
