"""A language model that answers from a script: for tests, demonstrations and measurements of everything around it.

It keeps every promise of `engine.lm.base.LM`; a token is a word. An operation without a script raises
CapabilityError, as a server that can't do it would.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence

from data.errors import CapabilityError
from engine.lm.base import Adapter, Ask, Choose, Chosen, Clipped, Generate, Generated, OnChosen, OnText

ChooseScript = Callable[[Choose], Mapping[str, float]]
"""Request to the probability of each of its choices; they are normalised to sum 1."""
GenerateScript = Callable[[Generate], str]
"""Request to the whole text, before stop texts and the token limit are applied."""

_WORD = re.compile(r"\s*\S+")


class ScriptedLM:
    """Answers requests by calling functions. `asks` holds every request it got, views with adapters included."""

    def __init__(
        self,
        choose: ChooseScript | None = None,
        generate: GenerateScript | None = None,
        name: str = "scripted",
        *,
        adapters: Mapping[str, "ScriptedLM"] | None = None,
    ) -> None:
        """`adapters`: what `adapted` gives for an adapter of that name; others answer like the base."""
        self._choose = choose
        self._generate = generate
        self._adapters = dict(adapters or {})
        self._base = self
        self.base_name = name
        self.adapter: Adapter | None = None
        self.asks: list[Ask] = []

    @property
    def name(self) -> str:
        """Its name, and the adapter's where there is one."""
        return f"{self.base_name}+{self.adapter.name}" if self.adapter else self.base_name

    def choose(self, asks: Sequence[Choose], *, on_answer: OnChosen | None = None) -> list[Chosen]:
        """Answer each request by the script's probabilities."""
        answers = []
        for position, ask in enumerate(asks):
            answer = self._chosen(ask)
            answers.append(answer)
            if on_answer is not None:
                on_answer(position, answer)
        return answers

    def generate(self, asks: Sequence[Generate], *, on_text: OnText | None = None) -> list[Generated]:
        """Answer each request by the script's text, a word at a time."""
        answers = []
        for position, ask in enumerate(asks):
            answer = self._generated(ask)
            answers.append(answer)
            if on_text is not None:
                for piece in _pieces(answer.text):
                    on_text(position, piece)
        return answers

    def clip(self, text: str, max_tokens: int) -> Clipped:
        """Cut `text` after `max_tokens` words."""
        words = list(_WORD.finditer(text))
        if len(words) <= max_tokens:
            return Clipped(text=text, cut=False)
        return Clipped(text=text[: words[max_tokens - 1].end()] if max_tokens > 0 else "", cut=True)

    def adapted(self, adapter: Adapter | None) -> "ScriptedLM":
        """A view that writes down its requests in the same place."""
        script = self._adapters.get(adapter.name, self._base) if adapter else self._base
        view = ScriptedLM(script._choose, script._generate, self.base_name, adapters=self._adapters)
        view._base, view.adapter, view.asks = self._base, adapter, self.asks
        return view

    def _chosen(self, ask: Choose) -> Chosen:
        if self._choose is None:
            raise CapabilityError(
                f"{self.name} has no script for choosing.", mend="Give ScriptedLM a `choose` function."
            )
        if not ask.choices or len(set(ask.choices)) != len(ask.choices):
            raise ValueError(f"Choices must be given and differ: {ask.choices}")
        for choice in ask.choices:
            if len(choice.split()) != 1 or choice != choice.strip():
                raise ValueError(f"The choice {choice!r} is not a single token.")
        self.asks.append(ask)
        script = self._choose(ask)
        total = sum(script[choice] for choice in ask.choices)
        probabilities = {choice: script[choice] / total for choice in ask.choices}
        logs = {choice: math.log(p) if p > 0 else -math.inf for choice, p in probabilities.items()}
        return Chosen(log_probabilities=logs, probabilities=probabilities, prompt_tokens=_prompt_tokens(ask))

    def _generated(self, ask: Generate) -> Generated:
        if self._generate is None:
            raise CapabilityError(
                f"{self.name} has no script for generating.", mend="Give ScriptedLM a `generate` function."
            )
        self.asks.append(ask)
        text = self._generate(ask)
        ends = [text.find(stop) for stop in ask.stop if stop in text]
        text = text[: min(ends)] if ends else text
        clipped = self.clip(text, ask.max_tokens)
        return Generated(
            text=clipped.text,
            finished=not clipped.cut,
            prompt_tokens=_prompt_tokens(ask),
            completion_tokens=len(clipped.text.split()),
        )


def _pieces(text: str) -> list[str]:
    """The text in words with the white space before each; the last piece takes what is left."""
    words = _WORD.findall(text)
    rest = text[sum(map(len, words)) :]
    return [*words, rest] if rest else words


def _prompt_tokens(ask: Ask) -> int:
    return sum(len(message.content.split()) for message in ask.messages)
