"""A served model's tokens where its tokenizer is not at hand: asked of the server (`/tokenize`, as vLLM has it)."""

import re
from os.path import commonprefix
from typing import Any

from engine.lm.base import Choose, Clipped
from engine.lm.calling import Call
from engine.lm.server import RefusedError
from engine.lm.tokens import ending, single_tokens

CHARACTERS_PER_TOKEN = 4
_WINDOW = 40
"""Characters of a text looked at for each token of the budget."""


class ServedTokens:
    """Token ids and clipping by the server's own tokenizer. None where the server has no `/tokenize`."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._ids: dict[str, list[int]] = {"": []}

    async def choices(self, call: Call, ask: Choose) -> dict[str, int] | None:
        """As `Tokens.choices`: ValueError for a choice that is not one token."""
        end = ending(ask.messages)
        for text in (end, *(end + choice for choice in ask.choices)):
            if text not in self._ids:
                ids = await self._encode(call, text)
                if ids is None:
                    return None
                self._ids[text] = ids
        return single_tokens(ask.choices, end, self._ids.__getitem__)

    async def clip(self, call: Call, text: str, max_tokens: int) -> Clipped | None:
        """As `Tokens.clip`."""
        if max_tokens < 1:
            return Clipped(text="", cut=bool(text))
        window = text[: max_tokens * _WINDOW]
        ids = await self._encode(call, window) if window else []
        if ids is None:
            return None
        if len(ids) <= max_tokens:
            return Clipped(text=text, cut=False) if len(window) == len(text) else _cut(window, len(window))
        answer = await self._asked(call, "/detokenize", {"tokens": ids[:max_tokens]})
        # What differs at the end is half a character.
        end = len(commonprefix([window, str((answer or {}).get("prompt", ""))]))
        return _cut(window, end) if end else None

    async def _encode(self, call: Call, text: str) -> list[int] | None:
        answer = await self._asked(call, "/tokenize", {"prompt": text, "add_special_tokens": False})
        tokens = (answer or {}).get("tokens")
        # Other servers have a route of that name that wants other parameters, and answer with no tokens.
        if not isinstance(tokens, list) or not tokens or not all(isinstance(token, int) for token in tokens):
            call.facts.tokenizes = False
            return None
        call.facts.tokenizes = True
        return tokens

    async def _asked(self, call: Call, route: str, body: dict[str, Any]) -> dict[str, Any] | None:
        if call.facts.tokenizes is False:
            return None
        try:
            return await call.ask(call.connection.server.root + route, {"model": self._model, **body})
        except RefusedError:
            return None


def clip_by_characters(text: str, max_tokens: int) -> Clipped:
    """Cut by the rule of thumb of four characters a token."""
    most = max(max_tokens, 0) * CHARACTERS_PER_TOKEN
    return Clipped(text=text, cut=False) if len(text) <= most else _cut(text, most)


def _cut(text: str, end: int) -> Clipped:
    """The words of `text` that end within its first `end` characters; a longer first word is cut inside."""
    inside = [word.end() for word in re.finditer(r"\S+", text[: end + 1]) if word.end() <= end]
    return Clipped(text=text[: inside[-1] if inside else end], cut=True)
