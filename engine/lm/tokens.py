"""Between chats and token ids: the chat template, single-token choices, and cutting texts."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from engine.lm.base import Choose, Clipped, Message

_KNOWN = (
    r"<(?=\|[^\s|<>]{1,40}\|>)",  # ChatML, Llama 3, Phi: <|im_end|>
    r"<(?=\uff5c[^\uff5c<>]{1,40}\uff5c>)",  # DeepSeek, with full-width bars
    r"<(?=/?(?:s|bos|eos|pad|unk|mask|start_of_turn|end_of_turn|tool_call|tool_response)>)",  # Llama 2, Gemma, Qwen
    r"<(?=</?SYS>>)",
    r"\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\])",  # Mistral
)
"""First characters of what the chat templates of well-known models write between turns."""
_CONTROL = re.compile("|".join(_KNOWN))


def turns(messages: Sequence[Message], control: re.Pattern[str] = _CONTROL) -> list[dict[str, str]]:
    """The chat as chat templates and servers take it. A text can't open or close a turn: `<|im_end|>` becomes
    `< |im_end|>`. `control` matches the first character of what must not stand in a text."""
    return [{"role": m.role, "content": control.sub(r"\g<0> ", m.content)} for m in messages]


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
        self._control = _control(tokenizer)

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """Ids of the chat; a trailing assistant turn is left open, to be continued to the letter."""
        chat = turns(messages, self._control)
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


def _control(tokenizer: Any) -> re.Pattern[str]:
    """First characters of the model's own control words, beside the well-known ones.

    Those are its special tokens, and markup that its template writes though no token is marked as special (Qwen's
    `<tool_call>`): in a text each would become the very token.
    """
    template = str(tokenizer.chat_template or "")
    words = [
        token.content
        for token in tokenizer.added_tokens_decoder.values()
        if len(token.content.strip()) > 1
        and (token.special or (token.content in template and not token.content[0].isalnum()))
    ]
    return re.compile("|".join((*_KNOWN, *(f"{re.escape(word[0])}(?={re.escape(word[1:])})" for word in words))))


def _reach(offsets: Sequence[tuple[int, int]], tokens: int) -> int:
    """Characters the first `tokens` tokens cover; one that the next token finishes is not among them."""
    if tokens < 1:
        return 0
    start, end = offsets[tokens - 1]
    return start if offsets[tokens][0] < end else end
