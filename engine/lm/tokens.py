"""Between chats and token ids: the chat template, single-token choices, and cutting texts."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from engine.lm.base import Choose, Clipped, Message

_CONTROL = re.compile(r"<\|(?=[^\s|<>]{1,40}\|>)")
"""The beginning of what chat templates write between turns, such as `<|im_end|>`."""


def turns(messages: Sequence[Message]) -> list[dict[str, str]]:
    """The chat as chat templates and servers take it. A text can't open or close a turn: `<|` becomes `< |`."""
    return [{"role": m.role, "content": _CONTROL.sub("< |", m.content)} for m in messages]


def opened(messages: Sequence[Message]) -> bool:
    """Is the last turn the assistant's, to be continued?"""
    return bool(messages) and messages[-1].role == "assistant"


def ending(messages: Sequence[Message]) -> str:
    """The end of the prompt, as far as it decides how what follows is cut into tokens: the open line."""
    return messages[-1].content.rpartition("\n")[2][-40:] if opened(messages) else ""


def single_tokens(choices: Sequence[str], end: str, encode: Callable[[str], Sequence[int]]) -> dict[str, int]:
    """Each choice's token id after `end`; ValueError where it is not exactly one token there, or not its own."""
    if not choices or len(set(choices)) != len(choices):
        raise ValueError(f"Choices must be given and differ: {choices}")
    before = list(encode(end))
    found: dict[str, int] = {}
    for choice in choices:
        ids = list(encode(end + choice))
        if len(ids) != len(before) + 1 or ids[:-1] != before:
            raise ValueError(f"The choice {choice!r} is not a single token after {end[-12:]!r}.")
        found[choice] = int(ids[-1])
    if len(set(found.values())) != len(found):
        raise ValueError(f"Two choices are the same token: {found}")
    return found


class Tokens:
    """A tokenizer with a chat template (a fast tokenizer: offsets are needed)."""

    def __init__(self, tokenizer: Any, *, ends: Iterable[int] = ()) -> None:
        """`tokenizer`: any of transformers' (they have no useful common type). `ends`: more ids that end an answer."""
        self._tokenizer = tokenizer
        special = (i for i, token in tokenizer.added_tokens_decoder.items() if token.special)
        self.ends = frozenset(map(int, (*tokenizer.all_special_ids, *special, *ends)))
        """Ids that end an answer: whatever a chat template writes, the model does not say."""

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """Ids of the chat; a trailing assistant turn is left open, to be continued to the letter."""
        chat = turns(messages)
        start = chat.pop()["content"] if opened(messages) else ""
        text = self._tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
        return self._encode(text + start)

    def choices(self, ask: Choose) -> dict[str, int]:
        """Each choice's token id after the end of the prompt; ValueError where it is not exactly one token there."""
        return single_tokens(ask.choices, ending(ask.messages), self._encode)

    def decode(self, ids: Sequence[int]) -> str:
        """Text of generated ids, special tokens left out."""
        return str(self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def clip(self, text: str, max_tokens: int) -> Clipped:
        """The longest beginning of `text` that has at most `max_tokens` tokens and ends at a word's end."""
        # A token is at least one byte: what lies far beyond the budget need not be tokenised.
        window = text[: max_tokens * 40]
        offsets = self._tokenizer(window, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
        if len(offsets) <= max_tokens and len(window) == len(text):
            return Clipped(text=text, cut=False)
        end = _reach(offsets, max_tokens) if max_tokens < len(offsets) else len(window)
        inside = [word.end() for word in re.finditer(r"\S+", text[: end + 1]) if word.end() <= end]
        # A single word longer than the budget is cut inside: something of the document must be seen.
        return Clipped(text=text[: inside[-1] if inside else end], cut=True)

    def _encode(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])


def _reach(offsets: Sequence[tuple[int, int]], tokens: int) -> int:
    """Characters the first `tokens` tokens cover; one that the next token finishes is not among them."""
    if tokens < 1:
        return 0
    start, end = offsets[tokens - 1]
    return start if offsets[tokens][0] < end else end
