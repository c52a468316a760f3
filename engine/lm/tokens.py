"""Between chats and token ids: the chat template, single-token choices, and cutting texts."""

import re
from collections.abc import Sequence
from typing import Any

from engine.lm.base import Choose, Clipped, Message


class Tokens:
    """A tokenizer with a chat template (a fast tokenizer: offsets are needed)."""

    def __init__(self, tokenizer: Any) -> None:  # transformers' tokenizers have no useful common type
        self._tokenizer = tokenizer

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """Ids of the chat; a trailing assistant turn is left open, to be continued to the letter."""
        opened = messages[-1].content if messages and messages[-1].role == "assistant" else None
        closed = messages[:-1] if opened is not None else messages
        text = self._tokenizer.apply_chat_template(
            [{"role": m.role, "content": m.content} for m in closed], tokenize=False, add_generation_prompt=True
        )
        return self._encode(text + (opened or ""))

    def choices(self, ask: Choose) -> dict[str, int]:
        """Each choice's token id after the end of the prompt; ValueError where it is not exactly one token there."""
        if not ask.choices or len(set(ask.choices)) != len(ask.choices):
            raise ValueError(f"Choices must be given and differ: {ask.choices}")
        # Only the end of the prompt decides how the choice is cut into tokens.
        end = ask.messages[-1].content[-40:] if ask.messages else ""
        before = self._encode(end)
        found = {}
        for choice in ask.choices:
            ids = self._encode(end + choice)
            if len(ids) != len(before) + 1 or ids[:-1] != before:
                raise ValueError(f"The choice {choice!r} is not a single token after {end[-12:]!r}.")
            found[choice] = int(ids[-1])
        return found

    def decode(self, ids: Sequence[int]) -> str:
        """Text of generated ids, special tokens left out."""
        return str(self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    @property
    def ends(self) -> frozenset[int]:
        """Special tokens: any of them ends an answer."""
        return frozenset(int(i) for i in self._tokenizer.all_special_ids)

    def clip(self, text: str, max_tokens: int) -> Clipped:
        """The longest beginning of `text` that has at most `max_tokens` tokens and ends at a word's end."""
        # A token is at least one byte: what lies far beyond the budget need not be tokenised.
        window = text[: max_tokens * 40]
        offsets = self._tokenizer(window, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
        if len(offsets) <= max_tokens and len(window) == len(text):
            return Clipped(text=text, cut=False)
        end = offsets[max_tokens - 1][1] if 0 < max_tokens <= len(offsets) else (0 if max_tokens < 1 else len(window))
        words = list(re.finditer(r"\S+", window[: end + 1]))
        inside = [word.end() for word in words if word.end() <= end]
        # A single word longer than the budget is cut inside: something of the document must be seen.
        return Clipped(text=text[: inside[-1] if inside else end], cut=True)

    def _encode(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])
