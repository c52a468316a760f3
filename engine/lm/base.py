"""What a language model is here: something that can `choose` among a few answers and `generate` text.

`choose` gives the probabilities of single-token answers at one position, in one forward pass, with no text made;
`generate` continues a chat. Both take any number of requests at once, so that a backend can batch them, and report
each answer through a callback as soon as it is known, in any order.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn of a chat. A trailing assistant turn is continued, not closed."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choose:
    """Which of `choices` comes next? Each choice must be a single token at that position."""

    messages: tuple[Message, ...]
    choices: tuple[str, ...]
    tag: str = ""
    """What the request is about, for whoever listens to the answers; means nothing to a backend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The answer to a `Choose`."""

    log_probabilities: Mapping[str, float]
    """Choice -> natural log of its probability over the full vocabulary."""
    probabilities: Mapping[str, float]
    """Choice -> probability, normalised over the choices."""
    prompt_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Generate:
    """Continue the chat. Greedy at temperature 0."""

    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float = 0.0
    stop: tuple[str, ...] = ()
    """Texts that end the answer; they are not part of it."""
    seed: int | None = None
    tag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """The answer to a `Generate`."""

    text: str
    finished: bool
    """False where the token limit cut the answer off."""
    prompt_tokens: int
    completion_tokens: int


Ask = Choose | Generate
Answer = Chosen | Generated
OnChosen = Callable[[int, Chosen], None]
"""Called with the request's position and its answer."""
OnText = Callable[[int, str], None]
"""Called with the request's position and the next piece of its text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clipped:
    """The beginning of a text that fits a token budget."""

    text: str
    cut: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """A PEFT adapter on disk. `name` is what a server knows it by."""

    name: str
    path: Path


class LM(Protocol):
    """The promise of every backend; `tests/contracts/test_lms.py` holds them to it.

    Raises LMError where no answer came, CapabilityError where the backend can't do the operation, ValueError for
    a choice that is not a single token. An exception raised by a callback stops the call and passes through.
    """

    @property
    def name(self) -> str:
        """What is recorded with every ranking: model, and adapter where there is one."""

    def choose(self, asks: Sequence[Choose], *, on_answer: OnChosen | None = None) -> list[Chosen]:
        """Answer each request, in the order of `asks`."""

    def generate(self, asks: Sequence[Generate], *, on_text: OnText | None = None) -> list[Generated]:
        """Answer each request, in the order of `asks`."""

    def clip(self, text: str, max_tokens: int) -> Clipped:
        """Cut `text` at a word end so that it has at most `max_tokens` tokens."""

    def adapted(self, adapter: Adapter | None) -> "LM":
        """The same base with this adapter (None: without any), sharing the weights."""
