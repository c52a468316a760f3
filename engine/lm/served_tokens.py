"""A served model's tokens where its tokenizer is not at hand: asked of the server (`/tokenize`, as vLLM has it)."""

import re
from os.path import commonprefix
from typing import Any

from data.errors import CapabilityError
from engine.lm.base import Choose, Clipped
from engine.lm.calling import Call
from engine.lm.server import RefusedError
from engine.lm.tokens import ending, opened, single_tokens, turns

CHARACTERS_PER_TOKEN = 4
_WINDOW = 40
"""Characters of a text looked at for each token of the budget."""


class ServedTokens:
    """Token ids and clipping by the server's own tokenizer. None where the server has no `/tokenize`."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._ids: dict[str, list[int]] = {"": []}
        self._kept: set[str] = set()

    async def choices(self, call: Call, ask: Choose) -> dict[str, int] | None:
        """As `Tokens.choices`: ValueError for a choice that is not one token."""
        end = ending(ask.messages)
        for text in (end, *(end + choice for choice in ask.choices)):
            if await self._ids_of(call, text) is None:
                return None
        return single_tokens(ask.choices, end, self._ids.__getitem__)

    async def check_opened(self, call: Call, ask: Choose) -> None:
        """CapabilityError where the model would not read the opened answer to its last character.

        Many chat templates (Llama's, Gemma's) trim every turn. After `Grade:` without its blank the likeliest token is
        the blank, and the grades' probabilities are noise that nobody would notice.
        """
        end = ending(ask.messages)
        if not opened(ask.messages) or end in self._kept or not (last := await self._ids_of(call, end)):
            return
        chat = {"messages": turns(ask.messages), "continue_final_message": True, "add_generation_prompt": False}
        read = (await self._asked(call, "/tokenize", chat) or {}).get("tokens")
        if isinstance(read, list) and read and read[-1] != last[-1]:
            raise CapabilityError(
                "The server's chat template changes the end of an answer that is to be continued.",
                mend="Serve the model with a template that does not trim turns (vLLM: --chat-template), or use it in "
                "process.",
            )
        self._kept.add(end)

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

    async def _ids_of(self, call: Call, text: str) -> list[int] | None:
        """Of a short text that comes again and again."""
        if text not in self._ids:
            ids = await self._encode(call, text)
            if ids is None:
                return None
            self._ids[text] = ids
        return self._ids[text]

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
